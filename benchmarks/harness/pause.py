"""Lets a process stop itself on request, at a moment of its own choice."""

from __future__ import annotations

import signal
import time
from typing import Any


class Pause:
    """The request of `Child.ask`: noted when the signal comes, and carried out where the process calls `here`."""

    def __init__(self) -> None:
        self.stopped = 0.0
        self._asked = False

    def listen(self) -> Pause:
        """Handle the signal from now on, and return self."""
        signal.signal(signal.SIGUSR1, self._ask)
        return self

    def take(self) -> bool:
        """Return whether a pause was requested, and clear the request."""
        asked, self._asked = self._asked, False
        return asked

    def here(self) -> None:
        """Stop until the process is continued, if a pause was requested."""
        if self.take():
            began = time.monotonic()
            # Sent to this thread, which therefore does not pass this line before the whole process has stopped.
            signal.raise_signal(signal.SIGSTOP)
            self.stopped += time.monotonic() - began

    def clock(self) -> float:
        """Return the seconds of the monotonic clock, less those in which the process was stopped."""
        return time.monotonic() - self.stopped

    def _ask(self, *_: Any) -> None:
        self._asked = True
