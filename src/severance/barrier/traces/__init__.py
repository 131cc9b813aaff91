"""Noninterference, tried: traces of calls in a scratch house, run with and without what one persona did.

A trace is a list of steps that hold no content and no ids, only numbers (`steps`). A world turns numbers into words and
ids while the trace runs (`world`, `content`), with clock, entropy and embedder injected (`ports`). Run with one persona
taken out, or with other words in its hands, every other persona must observe the same to the last byte (`compare`).
"""
