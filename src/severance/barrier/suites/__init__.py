"""Attacks by content (P1, P2): what others know is asked for in every way that a session offers.

`parts` has what the barrier runs. A `Material` says what is written and what is asked: `planted` makes one, and
`agentleak`, `cimemories` and `locomo` read one from a file of the data set of that name. `attack` tries it, `watch`
looks for what came out. `doors` tries ids and names.
"""
