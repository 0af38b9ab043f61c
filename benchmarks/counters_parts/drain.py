"""A backlog that drains in a process of its own, while a client of the API is answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.counters_parts.child import Child
from benchmarks.counters_parts.flush_act import DRAIN
from benchmarks.harness.load import Connection, Load, connections, drive
from benchmarks.harness.rounds import percentile
from benchmarks.harness.server import WebServer
from benchmarks.harness.traffic import BASES, OURS, detail

_WARM_UP_SECONDS = 0.5
# What the servers had been asked for when the flusher was stopped is done by then.
_SETTLE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Drained:
    """How long it took, what each flush did, the turns of the client without it and beside it, and all its answers."""

    seconds: float
    flushes: list[dict[str, Any]]
    quiet: list[Load]
    busy: list[Load]
    answers: int

    def p99_ms(self, turns: Sequence[Load]) -> float:
        """Return it over all requests of some turns."""
        return percentile([ms for turn in turns for ms in turn.latencies_ms], 0.99)


def drained(flusher: Child, server: WebServer, asked: Sequence[int], turn_seconds: float) -> Drained:
    """Have everything flushed while a client asks for warm products, one after the other.

    The flusher is stopped for every second turn of the client, so that what else the machine does meets both. While it
    is stopped its clock is too, but for the time that the servers get to finish what they were asked for.
    """
    requests = [detail(BASES[OURS], id) for id in asked]
    quiet: list[Load] = []
    busy: list[Load] = []
    stopped = 0.0
    with connections(server.host, server.port, 1) as opened:
        warm_up = drive(opened, requests, _WARM_UP_SECONDS)
        ordered = time.monotonic()
        flusher.order(DRAIN)
        while not flusher.has_answered():
            load, seconds = _without(flusher, opened, requests, turn_seconds)
            quiet.append(load)
            stopped += seconds
            busy.append(drive(opened, requests, turn_seconds))
        flushes = flusher.answer()
    answers = sum(len(turn.latencies_ms) for turn in (warm_up, *quiet, *busy))
    # In the last one the flush ended somewhere.
    return Drained(flushes[-1]["ended"] - ordered - stopped, flushes, quiet, busy[:-1] or busy, answers)


def _without(
    flusher: Child, opened: Sequence[Connection], requests: Sequence[bytes], seconds: float
) -> tuple[Load, float]:
    """Return a turn of the client while the flusher is stopped, and for how long it was beyond the settling."""
    flusher.freeze()
    try:
        time.sleep(_SETTLE_SECONDS)
        began = time.monotonic()
        return drive(opened, requests, seconds), time.monotonic() - began
    finally:
        flusher.thaw()
