"""Endurance (P4, P5): what becomes of a store whose writers are killed, and of one that somebody altered."""
