"""What is fuzzed, and the property that each decoder must hold for every input (docs/design/fuzzing.md)."""
