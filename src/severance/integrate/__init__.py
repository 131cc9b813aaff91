"""Clients that people run their agents in: what is written into their configuration, so that they remember here."""
