"""A total timeout for a conversation over a socket.

The timeout of a socket applies to each read by itself, so a receiver that sends a byte now and then never times out.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

# Seconds for one delivery. The timeout of a single read is shorter, and ends most failures.
TOTAL = 15.0
# Seconds between two attempts to shut the connection down.
_RETRY = 0.1


class TotalTimeout:
    """A context that shuts its connection down after `seconds`; `timed_out` says whether it did.

    `find` returns the current socket, or None. A thread that is reading from it then reads the end at once.
    """

    def __init__(self, seconds: float, find: Callable[[], socket.socket | None]) -> None:
        self.seconds = seconds
        self.timed_out = False
        self._find = find
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._wait_and_cut, name="total-timeout", daemon=True)

    def __enter__(self) -> TotalTimeout:
        try:
            self._watch.start()
        except BaseException:
            # A signal interrupted the start, so `__exit__` will not run.
            self._ended.set()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        # Wait for the thread, so that it cannot shut down the connection during a later conversation.
        self._watch.join()

    @property
    def reason(self) -> str:
        """The error of a delivery that timed out."""
        return f"not done within {self.seconds:g} s"

    def _wait_and_cut(self) -> None:
        wait = self.seconds
        while not self._ended.wait(wait):
            self.timed_out = True
            self._cut()
            # Try again: there may have been no socket yet, or one in a handshake that `find` does not know yet.
            wait = _RETRY

    def _cut(self) -> None:
        if (found := self._find()) is not None:
            # The socket may be closed or disconnected already.
            with suppress(OSError):
                # Bypass SSLSocket.shutdown: it drops the TLS object that the reading thread still uses.
                socket.socket.shutdown(found, socket.SHUT_RDWR)
