"""A check with a time limit. It runs on a thread of its own, at most one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import NamedTuple


class Finding(NamedTuple):
    """What a probe found: whether the part answered, how long it took, and if not, what was wrong."""

    ok: bool
    milliseconds: float
    detail: str = ""


class Probe:
    """Runs `check` with a limit in seconds; `failures` are the exceptions that it raises when the part is away.

    A frozen server blocks the one thread until it resumes or the check's own time limit ends it. Meanwhile every caller
    waits for the same thread, so probes never pile up threads or connections.
    """

    def __init__(self, check: Callable[[], None], failures: tuple[type[Exception], ...], limit: float) -> None:
        self._check = check
        self._failures = failures
        self._limit = limit
        self._lock = threading.Lock()
        self._running: Future[Finding] | None = None

    def start(self) -> Callable[[], Finding]:
        """Begin the check and return a function that waits for its finding; several probes can run at once."""
        future, deadline = self._future(), time.monotonic() + self._limit
        return lambda: self._wait(future, deadline)

    def _wait(self, future: Future[Finding], deadline: float) -> Finding:
        try:
            return future.result(timeout=max(0.0, deadline - time.monotonic()))
        except FutureTimeout:
            return Finding(False, 1000 * self._limit, f"no answer within {self._limit:g} s")

    def _future(self) -> Future[Finding]:
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                # A daemon thread, so that a frozen server cannot delay the end of the process.
                threading.Thread(target=self._run, args=(self._running,), daemon=True).start()
            return self._running

    def _run(self, future: Future[Finding]) -> None:
        started = time.monotonic()
        problem = "failed"
        try:
            self._check()
            problem = ""
        except self._failures as error:
            # Only the class: messages contain hosts and users, and anybody may read the answer.
            problem = type(error).__name__
        finally:
            future.set_result(Finding(not problem, round(1000 * (time.monotonic() - started), 1), problem))
