"""Several clients that count concurrently for a while, and a flusher that has to keep up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.counting import cpu, freshness
from benchmarks.counting.freshness import Age, Mark
from benchmarks.counting.sums import by_shard, everywhere
from benchmarks.counting.ticks import Ticks, next_end, ticks
from benchmarks.counting.views_act import FLOOR, OURS
from benchmarks.harness.child import Child, child

_HEAD_START = 0.2
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds that the servers have used."""

    redis: float
    postgres: float | None

    @classmethod
    def now(cls) -> Used:
        return cls(cpu.redis_seconds(), cpu.postgres_seconds())


@dataclass(frozen=True, slots=True)
class Sustained:
    """The answers of clients and flushes, the marks of PostgreSQL, and the sum of all views before."""

    clients: list[dict[str, Any]]
    floor: list[dict[str, Any]]
    flushes: list[dict[str, Any]]
    ticks: Ticks
    seen: list[Mark]
    used: tuple[Used, Used]
    before: int

    @property
    def ages(self) -> list[Age]:
        return freshness.ages([[Mark(*mark) for mark in each["marks"]] for each in self.clients], self.seen)


def sustain(ids: Sequence[int], processes: int, seconds: float, floor_seconds: float) -> Sustained:
    """Let that many clients send bare HINCRBYs, and then count from the beginning of a bucket on."""
    with _clients(ids, processes) as clients, child("counting", "flusher") as flusher:
        _begin(clients, FLOOR, time.monotonic() + _HEAD_START, floor_seconds)
        floor = [each.answer() for each in clients]
        # Views that wait from before would count as views of this load.
        flusher.order([next_end(_HEAD_START)])
        flusher.answer()
        before, used, start = everywhere(), Used.now(), next_end()
        planned = ticks(start, seconds)
        flusher.order(planned.all)
        _begin(clients, OURS, start, seconds)
        seen = _watch(start + seconds)
        found = [each.answer() for each in clients]
        spent = Used.now()
        return Sustained(found, floor, flusher.answer(), planned, seen, (used, spent), before)


def _watch(until: float) -> list[Mark]:
    """Return the views added in PostgreSQL since the start, sampled ten times a second."""
    at_first, seen = by_shard(), []
    while time.monotonic() < until:
        found = by_shard()
        seen.append(Mark(time.monotonic(), [now - then for now, then in zip(found, at_first, strict=True)]))
        time.sleep(_LOOK_SECONDS)
    return seen


@contextmanager
def _clients(ids: Sequence[int], processes: int) -> Iterator[list[Child]]:
    with ExitStack() as stack:
        clients = [stack.enter_context(child("counting", "views")) for _ in range(processes)]
        for seed, each in enumerate(clients):
            each.order({"ids": list(ids), "seed": seed})
        for each in clients:
            each.answer()
        yield clients


def _begin(clients: Sequence[Child], way: str, start: float, seconds: float) -> None:
    for each in clients:
        each.order({"way": way, "start": start, "seconds": seconds})
