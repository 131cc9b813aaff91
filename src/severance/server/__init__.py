"""The HTTP interface: a process that holds no key, and reaches the house that is up over its socket.

`app` puts it together, one file holds each group of routes, `problems` is the one place where an error becomes an
answer, `protocol` and `listening` are below the routes: connections, deadlines, TLS. Needs the extra `server`. See
docs/how-to/http.md and docs/reference/http.md.
"""

from __future__ import annotations
