"""A deadline: so many seconds for all that is said to a receiver and heard from it, however slowly it goes on talking.

The timeout of a socket is for each wait, so whoever sends a byte now and then is waited for without an end.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

# Seconds for one delivery; the timeout of a wait is shorter and ends most that fail.
TOTAL = 15.0
# Seconds between two cuts.
_RETRY = 0.1


class TotalTimeout:
    """A context whose connection is cut after so many seconds; `passed` says that it was.

    `find` returns the socket as it is at that moment, or None. Who waits on it then reads its end at once.
    """

    def __init__(self, seconds: float, find: Callable[[], socket.socket | None]) -> None:
        self.seconds = seconds
        self.timed_out = False
        self._find = find
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._wait_and_cut, name="deadline", daemon=True)

    def __enter__(self) -> TotalTimeout:
        try:
            self._watch.start()
        except BaseException:
            # A signal, when nobody will come to the end of the context.
            self._ended.set()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        # So that nothing that comes later over the same connection is cut.
        self._watch.join()

    @property
    def reason(self) -> str:
        """What is to be said of a delivery that was cut."""
        return f"not done within {self.seconds:g} s"

    def _wait_and_cut(self) -> None:
        wait = self.seconds
        while not self._ended.wait(wait):
            self.timed_out = True
            self._cut()
            # It may have had no socket yet, or be shaking hands on one that is not known yet.
            wait = _RETRY

    def _cut(self) -> None:
        if (found := self._find()) is not None:
            # Closed already, or not connected any more.
            with suppress(OSError):
                # Past the method of a TLS socket, which would take the keys away from the thread that is reading.
                socket.socket.shutdown(found, socket.SHUT_RDWR)
