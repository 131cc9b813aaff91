"""Remembering without being asked: what watches notes, and what takes keys and passwords out of a text before."""
