"""A process that stops itself when it is asked to, at a moment of its own choice."""

from __future__ import annotations

import signal
import time
from typing import Any


class Pause:
    """What `Child.ask` asks for: seen by this process, and then obeyed where it says `here`."""

    def __init__(self) -> None:
        self.stopped = 0.0
        self._asked = False

    def listen(self) -> Pause:
        """Take the signal from now on, and return self."""
        signal.signal(signal.SIGUSR1, self._ask)
        return self

    def take(self) -> bool:
        """Return whether it was asked for, and forget that."""
        asked, self._asked = self._asked, False
        return asked

    def here(self) -> None:
        """Stop until somebody lets the process go on, if it was asked for."""
        if self.take():
            began = time.monotonic()
            # To this thread, so that it does not get past this line before all of the process has stopped.
            signal.raise_signal(signal.SIGSTOP)
            self.stopped += time.monotonic() - began

    def clock(self) -> float:
        """Return the seconds of the monotonic clock, without those in which the process was stopped."""
        return time.monotonic() - self.stopped

    def _ask(self, *_: Any) -> None:
        self._asked = True
