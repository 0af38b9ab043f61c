"""The effect of a process on the API: a client measures turns while the process is stopped, and while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.harness.child import Child
from benchmarks.harness.load import Load, connections, drive
from benchmarks.harness.rounds import percentile
from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.harness.server import WebServer
from benchmarks.harness.traffic import BASES, OURS, detail

P99_RATIO = Reach(2, at_least=False)
_WARM_UP_SECONDS = 0.5
# By then the servers have finished what the stopped process had sent.
_SETTLE_SECONDS = 0.3

# Stops a process; yields False if it had answered before.
Stop = Callable[[Child], AbstractContextManager[bool]]


@dataclass(frozen=True, slots=True)
class Beside:
    """The answer of the process, when it was ordered and for how long it was stopped since (monotonic clock), the turns
    of the client without it and beside it, and all answers of the client."""

    answer: Any
    ordered: float
    stopped: float
    quiet: list[Load]
    busy: list[Load]
    answers: int

    def until(self, ended: float) -> float:
        """Return the seconds that the process ran, from its order until then."""
        return ended - self.ordered - self.stopped

    def rows(self, name: str) -> list[Row]:
        """Return the rows of the client's latency."""
        quiet, busy = ([ms for turn in turns for ms in turn.latencies_ms] for turns in (self.quiet, self.busy))
        p99 = [percentile(turns, 0.99) for turns in (quiet, busy)]
        middle = [median(turns) for turns in (quiet, busy)]
        return [
            row(f"{name}: p99 of the API while it drains", p99[1], "ms", f"p99 without {number(p99[0])}",
                p99[1] / p99[0], P99_RATIO),
            row(f"{name}: median of the API while it drains", middle[1], "ms", f"without {number(middle[0])}",
                middle[1] / middle[0]),
        ]  # fmt: skip


@contextmanager
def frozen(process: Child) -> Iterator[bool]:
    """Stop a process wherever it is, and wait for the servers to finish what it had sent."""
    process.freeze()
    try:
        time.sleep(_SETTLE_SECONDS)
        yield True
    finally:
        process.thaw()


@contextmanager
def paused(process: Child) -> Iterator[bool]:
    """Ask a process to stop itself between two steps of its work."""
    process.ask()
    try:
        yield process.has_stopped()
    finally:
        process.thaw()


def beside(
    process: Child,
    order: Any,
    server: WebServer,
    asked: Sequence[int],
    turn_seconds: float,
    stop: Stop = frozen,
    advance: Callable[[int], None] = lambda turns: None,
) -> Beside:
    """Send an order to the process while a client reads warm products, one after the other.

    The process is stopped for every second turn of the client, so that other load on the machine affects both kinds of
    turns. `advance` receives the number of turns beside the process.
    """
    requests = [detail(BASES[OURS], id) for id in asked]
    quiet: list[Load] = []
    busy: list[Load] = []
    stopped = 0.0
    with connections(server.host, server.port, 1) as opened:
        warm_up = drive(opened, requests, _WARM_UP_SECONDS)
        ordered = time.monotonic()
        process.order(order)
        while not process.has_answered():
            with stop(process) as without:
                began = time.monotonic()
                quiet += [drive(opened, requests, turn_seconds)] if without else []
                stopped += time.monotonic() - began
            busy.append(drive(opened, requests, turn_seconds))
            advance(len(busy))
        answer = process.answer()
    answers = sum(len(turn.latencies_ms) for turn in (warm_up, *quiet, *busy))
    # The process ended somewhere in the last turn.
    return Beside(answer, ordered, stopped, quiet, busy[:-1] or busy, answers)
