"""A house over HTTP, in the words of the library: `Client` and `AsyncClient`. They need the extra `client`."""

from severance.remote.asynchronous import AsyncClient, AsyncRemoteSession
from severance.remote.synchronous import Client, RemoteSession

__all__ = ["AsyncClient", "AsyncRemoteSession", "Client", "RemoteSession"]
