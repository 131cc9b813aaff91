"""Thresholds: which persona of a subject wakes at a place, under which conditions, and for how long."""
