"""The replay itself: threads that take the next view from one trace, in its order, and send it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from products.replay.result import FAILURES_SHOWN, Result, Tally
from products.replay.targets import Target
from products.replay.trace import TraceError

# After this many failures in a row in one thread the target is considered down, and the replay ends.
GIVE_UP_AFTER = 100
_POLL_SECONDS = 0.25


class Replay:
    """Sends the views of `trace`, each number being an index into `product_ids` (wrapping around)."""

    def __init__(
        self,
        trace: Iterator[int],
        product_ids: Sequence[int],
        new_target: Callable[[], Target],
        concurrency: int,
    ) -> None:
        self._trace = trace
        self._product_ids = product_ids
        self._new_target = new_target
        self._next_lock = threading.Lock()
        self._stop = threading.Event()
        self._stopped = ""
        self._tallies = [Tally() for _ in range(concurrency)]

    def run(self, on_progress: Callable[[int, float], None] = lambda sent, seconds: None) -> Result:
        """Send everything and return the result; an interrupt ends it early, with the result of what was sent."""
        started = time.perf_counter()
        with ThreadPoolExecutor(len(self._tallies)) as pool:
            waiting = {pool.submit(self._send_all, tally) for tally in self._tallies}
            try:
                while waiting:
                    done, waiting = wait(waiting, _POLL_SECONDS)
                    sent = sum(tally.sent for tally in self._tallies)
                    on_progress(sent, time.perf_counter() - started)
                    for thread in done:
                        thread.result()
            except KeyboardInterrupt:
                self._halt("interrupted")
            finally:
                # After any error here, the other threads must not go on sending.
                self._stop.set()
        return Result.of(self._tallies, time.perf_counter() - started, self._stopped)

    def _send_all(self, tally: Tally) -> None:
        target = self._new_target()
        in_a_row = 0
        try:
            while (product_id := self._next()) is not None:
                started = time.perf_counter()
                outcome, source, failure = target.send(product_id)
                tally.milliseconds.append((time.perf_counter() - started) * 1000)
                tally.outcomes[outcome] += 1
                tally.sources[source] += 1
                if failure and len(tally.failures) < FAILURES_SHOWN:
                    tally.failures.append(failure)
                in_a_row = in_a_row + 1 if outcome == "error" else 0
                if in_a_row == GIVE_UP_AFTER:
                    self._halt(f"{GIVE_UP_AFTER} requests in a row failed: {failure}")
        finally:
            target.close()

    def _next(self) -> int | None:
        if self._stop.is_set():
            return None
        with self._next_lock:
            try:
                number = next(self._trace, None)
            except TraceError as error:
                self._halt(str(error))
                return None
        return None if number is None else self._product_ids[number % len(self._product_ids)]

    def _halt(self, why: str) -> None:
        self._stopped = self._stopped or why
        self._stop.set()
