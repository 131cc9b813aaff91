"""P4 below SQLite: power cuts simulated from recorded writes, and faults at every operation (docs/design/durability.md)."""
