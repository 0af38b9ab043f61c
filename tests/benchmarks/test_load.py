"""The load generator, against a small server of its own."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.harness.load import UnexpectedAnswer, connections, drive, drive_once, request, unchunked

HOST = "127.0.0.1"
LARGE = b"x" * 700_000


class Handler(BaseHTTPRequestHandler):
    """Answers by path: plain, large, chunked in pieces, an error, or not at all."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        if self.path == "/closed":
            self.close_connection = True
        elif self.path == "/chunked":
            self._chunked([b"[1,", b"2]", LARGE])
        else:
            self._plain(404 if self.path == "/missing" else 200, LARGE if self.path == "/large" else b"{}")

    def do_POST(self) -> None:
        self._plain(200, self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _plain(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _chunked(self, parts: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in [*parts, b""]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))


class Server(ThreadingHTTPServer):
    """A server that remembers the paths it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[str] = []
        super().__init__((HOST, 0), Handler)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _port(server: socketserver.BaseServer) -> int:
    return int(server.server_address[1])


def test_every_answer_is_counted_and_timed(server: Server) -> None:
    # When four connections drive two requests in turn
    requests = [request("GET", "/one", HOST), request("GET", "/two", HOST)]
    with connections(HOST, _port(server), 4) as opened:
        load = drive(opened, requests, 0.2)
    # Then each request the server saw has its latency, and both were sent alike
    assert len(load.latencies_ms) == len(server.seen)
    assert load.per_second == pytest.approx(len(server.seen) / load.seconds)
    assert abs(server.seen.count("/one") - server.seen.count("/two")) <= 1
    assert 0 < load.percentile_ms(0.5) <= load.percentile_ms(0.99) <= load.seconds * 1000
    assert 0 < load.client_cpu <= load.seconds


@pytest.mark.parametrize("count", [0, 1, 3, 4, 11])
def test_a_pass_sends_each_request_once(server: Server, count: int) -> None:
    # When three connections share fewer requests, as many, or more than they are
    paths = [f"/{number}" for number in range(count)]
    with connections(HOST, _port(server), 3) as opened:
        load = drive_once(opened, [request("GET", path, HOST) for path in paths])
    # Then the server saw each of them once, and each has its latency
    assert sorted(server.seen) == sorted(paths)
    assert len(load.latencies_ms) == count


@pytest.mark.parametrize("path", ["/large", "/chunked"])
def test_an_answer_is_over_when_all_of_it_has_arrived(server: Server, path: str) -> None:
    # Given answers that arrive in many pieces; when the same connection goes on
    with connections(HOST, _port(server), 1) as opened:
        drive(opened, [request("GET", path, HOST)], 0.05)
        # Then nothing of them is left on it
        assert opened[0].exchange(request("GET", "/next", HOST)) == b"{}"


def test_an_exchange_returns_the_body(server: Server) -> None:
    with connections(HOST, _port(server), 1) as opened:
        assert opened[0].exchange(request("POST", "/", HOST, b'{"ids":[1]}')) == b'{"ids":[1]}'
        assert opened[0].exchange(request("GET", "/chunked", HOST)) == b"[1,2]" + LARGE


@pytest.mark.parametrize("path", ["/missing", "/closed"])
def test_anything_but_200_ends_the_run(server: Server, path: str) -> None:
    with connections(HOST, _port(server), 2) as opened, pytest.raises(UnexpectedAnswer):
        drive(opened, [request("GET", path, HOST)], 0.2)


def test_a_chunked_body_may_carry_extensions() -> None:
    assert unchunked(b"3;name=value\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") == b"abc0123456789"
