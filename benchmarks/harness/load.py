"""A closed-loop HTTP load generator: each connection sends its next request when its answer has arrived.

One thread serves all connections from raw sockets. It reads no more of an answer than its status and its end
(Content-Length or the last chunk), so that the client takes little CPU beside the server. Requests are bytes made
beforehand; nothing is pipelined.
"""

from __future__ import annotations

import gc
import math
import re
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle
from typing import NamedTuple

from benchmarks.harness.rounds import percentile

TIMEOUT_SECONDS = 10.0
_CHUNK = 256 * 1024
_HEAD_END = b"\r\n\r\n"
# No JSON has a bare line break, so only the end of a chunked body looks like this.
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_UNKNOWN, _CHUNKED = -2, -1
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class UnexpectedAnswer(Exception):
    """The server did not answer 200, answered too late, or closed the connection."""


class Load(NamedTuple):
    """A run of load: its seconds, the latency of each answer in ms, and the CPU seconds of the client."""

    seconds: float
    latencies_ms: list[float]
    client_cpu: float

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, part: float) -> float:
        return percentile(self.latencies_ms, part)


class Connection:
    """A keep-alive connection with at most one request in flight."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._head = b""
        self._left = _UNKNOWN
        self._tail = b""

    def send(self, request: bytes) -> None:
        """Send a request and start its timer."""
        self._head, self._left = b"", _UNKNOWN
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what has arrived; return whether the answer is whole. Raises UnexpectedAnswer."""
        data = self.socket.recv(_CHUNK)
        if not data:
            raise UnexpectedAnswer("the server closed the connection")
        return self._take(data)

    def exchange(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer. Raises UnexpectedAnswer."""
        self.send(request)
        answer = data = self.socket.recv(_CHUNK)
        while data and not self._take(data):
            data = self.socket.recv(_CHUNK)
            answer += data
        body = answer.partition(_HEAD_END)[2]
        return unchunked(body) if self._left == _CHUNKED else body

    def close(self) -> None:
        self.socket.close()

    def _take(self, data: bytes) -> bool:
        if self._left == _UNKNOWN:
            self._head += data
            return self._read_head()
        if self._left == _CHUNKED:
            self._tail = (self._tail + data)[-len(_LAST_CHUNK) :]
            return self._tail == _LAST_CHUNK
        self._left -= len(data)
        return self._left <= 0

    def _read_head(self) -> bool:
        end = self._head.find(_HEAD_END)
        if end < 0:
            return False
        if not self._head.startswith(b"HTTP/1.1 200 "):
            raise UnexpectedAnswer(self._head[:400].decode("latin-1"))
        body = end + len(_HEAD_END)
        length = _LENGTH.search(self._head, 0, body)
        if length is None:
            self._left = _CHUNKED
            self._tail = self._head[body:][-len(_LAST_CHUNK) :]
            return self._tail == _LAST_CHUNK
        self._left = body + int(length[1]) - len(self._head)
        return self._left <= 0


def request(method: str, path: str, host: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request; one with a body sends JSON."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: application/json"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def unchunked(body: bytes) -> bytes:
    """Return the payload of a chunked body."""
    parts, position = [], 0
    while True:
        line_end = body.index(b"\r\n", position)
        size = int(body[position:line_end].partition(b";")[0], 16)
        if not size:
            return b"".join(parts)
        position = line_end + 2 + size + 2
        parts.append(body[line_end + 2 : position - 2])


@contextmanager
def connections(host: str, port: int, count: int) -> Iterator[list[Connection]]:
    """Yield open connections. Compared variants share them, and so are spread alike over the workers."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Connection(host, port))) for _ in range(count)]


def drive(over: Sequence[Connection], requests: Sequence[bytes], seconds: float) -> Load:
    """Send the requests in turn over all connections for some seconds, then wait for the last answers."""
    return _drive(over, cycle(requests), seconds)


def drive_once(over: Sequence[Connection], requests: Sequence[bytes]) -> Load:
    """Send each request once over all connections, and wait for the last answers."""
    return _drive(over, iter(requests), math.inf)


def _drive(over: Sequence[Connection], upcoming: Iterator[bytes], seconds: float) -> Load:
    poll = select.epoll()
    by_fd = {connection.socket.fileno(): connection for connection in over}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    gc_was_on = gc.isenabled()
    gc.disable()
    try:
        return _loop(poll, by_fd, upcoming, seconds)
    finally:
        poll.close()
        if gc_was_on:
            gc.enable()


def _loop(poll: select.epoll, by_fd: dict[int, Connection], upcoming: Iterator[bytes], seconds: float) -> Load:
    latencies: list[float] = []
    cpu, began = time.thread_time(), time.perf_counter()
    deadline = began + seconds
    busy = 0
    # The connections come first: when they run out, `zip` has not taken a request that would not be sent.
    for connection, first in zip(by_fd.values(), upcoming, strict=False):
        connection.send(first)
        busy += 1
    while busy:
        ready = poll.poll(TIMEOUT_SECONDS)
        if not ready:
            raise UnexpectedAnswer(f"no answer within {TIMEOUT_SECONDS:g} s")
        for fd, _ in ready:
            connection = by_fd[fd]
            if not connection.receive():
                continue
            now = time.perf_counter()
            latencies.append((now - connection.began) * 1000)
            following = next(upcoming, None) if now < deadline else None
            if following is None:
                busy -= 1
            else:
                connection.send(following)
    return Load(time.perf_counter() - began, latencies, time.thread_time() - cpu)
