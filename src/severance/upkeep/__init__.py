"""Care of a store as a whole: checking, saving what is left, backing up, putting back, embedding anew."""
