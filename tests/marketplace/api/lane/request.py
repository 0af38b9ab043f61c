"""A request as a server passes it to Django, and the whole answer."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.core.handlers.wsgi import WSGIHandler


class Request(NamedTuple):
    """One request. `environ` is added to its WSGI environ; None there removes a default."""

    name: str
    path: str
    method: str = "GET"
    query: str = ""
    body: bytes = b""
    environ: Mapping[str, str | None] = {}

    def saying(self, **environ: str | None) -> Request:
        """Return the request with other headers, by their names in the WSGI environ."""
        return self._replace(environ={**self.environ, **environ})


class Twist(NamedTuple):
    """A difference of a request from the plainest of its kind; `plain` if the lane still answers it."""

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
    """Return the application's answer. Not by Django's test client, which changes requests and answers."""
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
