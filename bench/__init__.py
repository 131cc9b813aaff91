"""Measurements, side by side in one run. `make bench` runs them; they are never timed tests."""
