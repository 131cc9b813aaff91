"""The command line: thin edges over the house, one file for each command."""
