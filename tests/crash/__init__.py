"""P4 from below SQLite: simulated power cuts, and faults at every operation. See docs/design/durability.md."""
