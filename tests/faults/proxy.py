"""A TCP proxy in front of Redis or PostgreSQL that makes connections fail as networks do."""

from __future__ import annotations

import enum
import select
import socket
import threading
import time
from typing import Self


class Fault(enum.StrEnum):
    """What happens to a request. A request is what a client sends at once: one command or several."""

    CUT_BEFORE = "cut before it arrives"
    CUT_AFTER = "cut after it ran"
    NO_REPLY = "it ran, and the reply is lost"
    LATE = "it arrives when nobody waits for it any more"


class Proxy:
    """Listens on `port`, forwards to `target` on the loopback address. Use it as a context."""

    # Longer than the socket timeout of the clients under test.
    LATE_SECONDS = 0.4

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.requests = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._refuses = False
        self._fault: Fault | None = None
        self._content = b""
        self._ahead = 0
        self.fired = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._flows.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def arm(self, number: int, fault: Fault) -> None:
        """Apply `fault` to the `number`th request from now, counted from 1 over all connections."""
        self.arm_at(b"", fault, number)

    def arm_at(self, content: bytes, fault: Fault, number: int = 1) -> None:
        """Apply `fault` to the `number`th request from now that contains `content`."""
        with self._lock:
            self._fault, self._content, self._ahead, self.fired = fault, content, number, False

    def cut(self) -> None:
        """Cut every connection."""
        with self._lock:
            cut, self._open = self._open, []
        for side in cut:
            _shut(side)

    def freeze(self) -> None:
        """Forward nothing any more; connections stay open and new ones are accepted."""
        self._flows.clear()

    def refuse(self) -> None:
        """Cut every connection, and each new one as soon as it is accepted."""
        self._refuses = True
        self.cut()

    def thaw(self) -> None:
        """Forward what waits, and everything from now on."""
        self._refuses = False
        self._flows.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open += [client, server]
        try:
            self._pump(client, server)
        except OSError:
            return
        finally:
            client.close()
            server.close()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        muted = False
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for side in ready:
                data = side.recv(1 << 20)
                self._flows.wait()
                if not data:
                    return
                if side is server:
                    if not muted:
                        client.sendall(data)
                    continue
                fault = self._next(data)
                if fault is Fault.CUT_BEFORE:
                    return
                if fault is Fault.LATE:
                    time.sleep(self.LATE_SECONDS)
                muted = muted or fault is Fault.NO_REPLY
                server.sendall(data)
                if fault is Fault.CUT_AFTER:
                    server.recv(1 << 20)
                    return

    def _next(self, request: bytes) -> Fault | None:
        with self._lock:
            self.requests += 1
            if self._fault is None or self._content not in request:
                return None
            self._ahead -= 1
            if self._ahead > 0:
                return None
            fault, self._fault, self.fired = self._fault, None, True
            return fault


def _shut(side: socket.socket) -> None:
    try:
        side.shutdown(socket.SHUT_RDWR)
    except OSError:
        side.close()
