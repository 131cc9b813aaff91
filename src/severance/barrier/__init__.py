"""The barrier: the wall between personas, and the test of it that anyone can run, also on other memories."""
