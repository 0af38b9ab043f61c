"""A receiver of webhooks for tests: an HTTP server that records requests and gives the answers it is set to."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from offers.delivery.base import Message, Party

KEY = bytes(range(32))


SECRET = "whsec_" + base64.b64encode(KEY).decode()


MESSAGE = Message(
    id="offer-7-expired-1583298367000089",
    event=11,
    kind="expired",
    at="2020-03-04T05:06:07.000089Z",
    offer=7,
    status="expired",
    expires_at="2020-03-04T05:06:07.000089Z",
    amount="12.50",
    currency="EUR",
    product=3,
    title="Lämp “de luxe”",
    buyer=Party(1, "Bea", "bea@example.com"),
    seller=Party(2, "Sam", "sam@example.com"),
    claimed_at="2020-03-04T05:06:08.5Z",
)


class Request(NamedTuple):
    """A request as it arrived, with the address of the client."""

    path: str
    headers: dict[str, str]
    body: bytes
    client: tuple[str, int]


class Receiver(ThreadingHTTPServer):
    """A server that records requests and calls `answer` for each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self.answer: Callable[[Handler], None] = answering(204)

    def handle_error(self, *_: Any) -> None:
        """Do not log clients that closed the connection."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Request(self.path, headers, body, self.client_address))
        self.server.answer(self)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def dripping(begin: bytes, drop: bytes) -> Callable[[Handler], None]:
    """Answer with `begin`, and then with one `drop` after the other until the client hangs up."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(begin)
        for _ in range(100):
            handler.wfile.write(drop)
            time.sleep(0.05)

    return answer


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    """Run a receiver while the context lasts."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
