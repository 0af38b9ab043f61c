"""The HTTP target: a request that fails is reported, and never repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from products.replay.run import Replay
from products.replay.targets import HttpTarget


class Misbehaving(BaseHTTPRequestHandler):
    """Answers by the product's id: 1 well, 2 with 500, 3 by hanging up after the request has arrived."""

    protocol_version = "HTTP/1.1"
    received: list[str]

    def do_GET(self) -> None:
        self.received.append(self.path)
        if self.path.endswith("/3/"):
            self.close_connection = True
            return
        self.send_response(200 if self.path.endswith("/1/") else 500)
        self.send_header("Cache-Status", "marketplace; hit; detail=stale")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Misbehaving,), {"received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


def test_a_failed_request_is_reported_and_never_repeated(server: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_port}"

    result = Replay(iter([0, 1, 2, 0]), [1, 2, 3], lambda: HttpTarget(url), 1).run()

    assert [path[-2] for path in server.RequestHandlerClass.received] == ["1", "2", "3", "1"]
    assert (result.ok, result.other, result.errors, result.stale) == (2, 1, 1, 3)
    assert result.failures == [
        "product 2: HTTP 500",
        "product 3: RemoteDisconnected: Remote end closed connection without response",
    ]
