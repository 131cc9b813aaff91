"""A server as a process: from the socket to the end of its last request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import suppress

import uvicorn

from severance.server.app import application
from severance.server.parting import Quiet
from severance.server.parts import Outside, Parts
from severance.server.protocol import MOST_HEAD, STRANGERS, Connection

_MADE = 50_000
"""Objects that are made until the collector looks at the newest: one body makes thousands, and none is garbage."""
_HANDSHAKE = 10.0
_GOODBYE = 5.0
_BREATH = 0.02
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


def serve(
    outside: Outside,
    listening: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    beside: socket.socket | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal asks to end. Then running requests come to their end, and every session is put to sleep.

    Args:
        outside: what the application takes.
        listening: where it listens; closed at the end.
        tls: with what, if not in the clear.
        beside: a socket to whoever started this process; that its other end is closed asks to end, too.
        ready: called once it listens.
    """
    _hush()
    app = application(outside)
    config = uvicorn.Config(
        app,
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=max(1, round(outside.limits.keep_alive)),
        timeout_graceful_shutdown=max(1, round(outside.limits.grace)),
        h11_max_incomplete_event_size=MOST_HEAD,
    )
    with _seldom_collected():
        _Server(config, app.state.parts, listening, tls, beside, ready).run()


class _Server(uvicorn.Server):
    """Listens with deadlines of its own, and ends without an error when it is asked to."""

    def __init__(
        self,
        config: uvicorn.Config,
        parts: Parts,
        listening: socket.socket,
        tls: ssl.SSLContext | None,
        beside: socket.socket | None,
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._parts = parts
        self._listening = listening
        self._tls = tls
        self._beside = beside
        self._ready = ready
        self._accepting: asyncio.Task[None] | None = None
        self._arriving = dict[asyncio.Task[None], None]()
        self._quiet = Quiet()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self._listening.setblocking(False)
        self.servers = []
        gc.collect()
        gc.freeze()  # what is there now stays
        self._accepting = loop.create_task(self._accept())
        self.started = True
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Come to an end: what sends without an end first."""
        self._parts.closing.set()
        if self._accepting is not None:
            self._accepting.cancel()
            with suppress(asyncio.CancelledError):
                await self._accepting
        self._listening.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Within the block signals, and the end of whoever started this process, ask to end."""
        loop = asyncio.get_running_loop()
        before = {number: signal.signal(number, self.handle_exit) for number in _ENDING}
        if self._beside is not None:
            loop.add_reader(self._beside, self._left_alone)
        try:
            yield
        finally:
            if self._beside is not None:
                loop.remove_reader(self._beside)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _left_alone(self) -> None:
        assert self._beside is not None  # noqa: S101 - for the type checker
        with suppress(OSError):
            if self._beside.recv(1):
                return
        self.should_exit = True

    async def _accept(self) -> None:
        """Take connections, as long as there are not too many: the system keeps the others waiting."""
        loop = asyncio.get_running_loop()
        most = self._parts.outside.limits.connections * (1 + STRANGERS)
        while True:
            while len(self.server_state.connections) + len(self._arriving) >= most:
                if self._tls is not None and self._arriving:  # the oldest that has not come to its end with TLS
                    next(iter(self._arriving)).cancel()
                await asyncio.sleep(_BREATH)
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError:  # it has gone already, or there are no more descriptors
                await asyncio.sleep(_BREATH)
                continue
            arriving = loop.create_task(self._arrive(connection))
            self._arriving[arriving] = None
            arriving.add_done_callback(self._arriving.pop)
            await asyncio.sleep(0)  # of those who come at once each is heard before too many others are let in

    async def _arrive(self, connection: socket.socket) -> None:
        with suppress(OSError):  # no TLS, or too slow with it
            await asyncio.get_running_loop().connect_accepted_socket(
                self._connection,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else _HANDSHAKE,
                ssl_shutdown_timeout=None if self._tls is None else _GOODBYE,
            )

    def _connection(self) -> Connection:
        return Connection(
            self.config,
            self.server_state,
            self.lifespan.state,
            limits=self._parts.outside.limits,
            meters=self._parts.meters,
            quiet=self._quiet,
        )


@contextlib.contextmanager
def _seldom_collected() -> Generator[None, None, None]:
    """Within the block the collector looks less often at what lives: whoever sends a body chooses how often it does."""
    before = gc.get_threshold()
    gc.set_threshold(_MADE, *before[1:])
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _hush() -> None:
    """Let no library write what it met: an error that nobody foresaw may quote a request."""
    logging.lastResort = None
    logging.getLogger().addHandler(logging.NullHandler())
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
