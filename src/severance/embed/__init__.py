"""Embedders: the bundled word vectors, a hashing one for tests, and the way from components to stored bytes."""

from __future__ import annotations

from severance.embed.bundled import WordVectors, bundled
from severance.embed.hashing import Hashing
from severance.embed.quantize import quantize

__all__ = ["Hashing", "WordVectors", "bundled", "quantize"]
