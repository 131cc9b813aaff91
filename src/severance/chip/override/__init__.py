"""Waking a persona outside its place: registered keys, the escrow that opens for two of them, requests and answers."""
