"""A request as a server hands it to Django, and all that a client is answered."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.core.handlers.wsgi import WSGIHandler


class Request(NamedTuple):
    """One request. `environ` is what is said beside it; None there takes away what would be said by itself."""

    name: str
    path: str
    method: str = "GET"
    query: str = ""
    body: bytes = b""
    environ: Mapping[str, str | None] = {}

    def saying(self, **environ: str | None) -> Request:
        """Return the request with other headers, by their names in the environ."""
        return self._replace(environ={**self.environ, **environ})


class Twist(NamedTuple):
    """One way in which a request differs from the plainest of its kind; `plain` if the lane answers it all the same."""

    name: str
    of: Callable[[Request], Request]
    plain: bool = True


class Answer(NamedTuple):
    """A status line, all headers but the date, and the bytes of the body."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


def send(application: WSGIHandler, request: Request) -> Answer:
    """Return what the application answers. Not Django's test client: it mends what it sends, and what it is given."""
    said = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": request.query,
        "CONTENT_LENGTH": str(len(request.body)) if request.body else None,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        **request.environ,
    }
    wsgi = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    begun: list[tuple[str, list[tuple[str, str]]]] = []
    chunks = application(
        {name: value for name, value in said.items() if value is not None} | wsgi,
        lambda status, headers: begun.append((status, headers)),
    )
    body = b"".join(chunks)
    chunks.close()
    ((status, headers),) = begun
    return Answer(status, tuple(sorted(pair for pair in headers if pair[0] != "Date")), body)
