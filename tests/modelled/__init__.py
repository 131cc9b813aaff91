"""The chip's doors, against a model of them: every state that few operations lead to, and very many steps at random."""
