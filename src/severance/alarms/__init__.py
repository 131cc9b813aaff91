"""Alarms: what happens that somebody should hear of at once, to whom it is told, and what waits until it can be."""
