"""Where a server listens: on this machine, or elsewhere with TLS, or with a word that says what is given up."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from severance.errors import InputError, SeveranceError

HOST, PORT = "127.0.0.1", 8_420
_BACKLOG = 2_048
_WRITTEN = re.compile(r"(?:(?P<host>\[[^\]]*\]|[^:\[\]]*):)?(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """An address of this machine.

    Attributes:
        host: an IP address.
        port: 0 for any that is free.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine reaches it."""
        return ipaddress.ip_address(self.host).is_loopback

    def url(self, *, tls: bool) -> str:
        """As it is opened."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if tls else 'http'}://{host}:{self.port}"


def address_in(text: str) -> Address:
    """The address that is written as PORT, HOST:PORT or [HOST]:PORT; localhost is 127.0.0.1.

    Raises:
        InputError: it is none.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None or int(found["port"]) > 65_535:
        raise InputError("an address to listen at is written as PORT, HOST:PORT or [HOST]:PORT")
    host = (found["host"] or HOST).strip("[]")
    try:
        return Address(str(ipaddress.ip_address(HOST if host.lower() == "localhost" else host)), int(found["port"]))
    except ValueError:
        raise InputError("a host to listen at is an IP address of this machine, such as 127.0.0.1 or 0.0.0.0") from None


def check_safe(address: Address, *, tls: bool, insecure: bool) -> None:
    """Refuse to send permits and memories through a network in the clear.

    Raises:
        InputError: it would be done, and nobody said that it may.
    """
    if not (tls or insecure or address.is_loopback):
        raise InputError(
            f"{address.host} is reached from other machines, and permits and memories would go there in the clear; "
            "give --certificate and --private-key, or --insecure where something in front of it has TLS"
        )


def tls_of(certificate: Path | None, private_key: Path | None) -> ssl.SSLContext | None:
    """TLS 1.2 or later with this certificate; None without one.

    Raises:
        InputError: one of the files is missing, or they cannot be used.
    """
    if certificate is None and private_key is None:
        return None
    if certificate is None or private_key is None:
        raise InputError("a certificate and its private key go together; give both")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, private_key, password="")  # none is asked for at the terminal
    except (OSError, ValueError) as problem:  # an SSLError is an OSError
        why = getattr(problem, "strerror", None) or "they are not PEM, not of each other, or need a passphrase"
        raise InputError(f"the certificate and the private key cannot be used ({why})") from None
    return context


def listener(address: Address) -> socket.socket:
    """A socket that listens there.

    Raises:
        SeveranceError: nothing can.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else "the system refuses"  # its own text has a tuple in it
        raise SeveranceError(
            f"nothing can listen at {address.host} port {address.port} ({why}); choose another port or address"
        ) from None
