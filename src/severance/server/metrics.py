"""What is counted of a server, for Prometheus: numbers by the templates of routes, and nothing that a caller wrote."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Meters:
    """The counters of one server, in a registry of its own."""

    def __init__(self, sessions: Callable[[], int], calls: Callable[[], int]) -> None:
        """Args: how many sessions there are, and how many calls wait or are carried out."""
        registry = CollectorRegistry()
        self._registry = registry
        self._answers = Counter("severance_http_answers", "Answers.", ("method", "route", "status"), registry=registry)
        self._seconds = Histogram(
            "severance_http_seconds", "From a request to its answer.", ("route",), buckets=_SECONDS, registry=registry
        )
        self._problems = Counter("severance_http_problems", "Errors by type.", ("type",), registry=registry)
        Gauge("severance_http_sessions", "Sessions.", registry=registry).set_function(sessions)
        Gauge("severance_http_calls", "Calls that wait or are carried out.", registry=registry).set_function(calls)
        self.connections = Gauge("severance_http_connections", "Connections.", registry=registry)
        ProcessCollector(registry=registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """An answer was given."""
        self._answers.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def problem(self, name: str) -> None:
        """It was a problem of this type."""
        self._problems.labels(name).inc()

    def told(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
