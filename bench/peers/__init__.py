"""Other memories, in the same run: the same texts, questions and embedder, each in a process of its own."""
