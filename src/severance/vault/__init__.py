"""Where sealed spaces are kept: ciphertext in, ciphertext out. Nothing in here could open anything."""
