"""One module for each command; each has a function `run`, which `severance.cli.app` registers."""
