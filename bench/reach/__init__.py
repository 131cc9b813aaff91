"""How much HTTP bears: `python -m bench.reach load`, `soak` or `storm`. Not part of `make bench`."""
