"""Two sides of one read, in interleaved turns: the time of a call, and its round trips to Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import redis

from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Reach, Row, number, row


@dataclass(frozen=True, slots=True)
class Side:
    """One way to read: its name, one call, and the preparation of the items for a turn, which is not timed."""

    name: str
    call: Callable[[Any], object]
    prepare: Callable[[Sequence[Any]], object] = lambda items: None

    def times(self, items: Sequence[Any]) -> list[int]:
        """Return the nanoseconds of each call."""
        call, clock, took = self.call, time.perf_counter_ns, []
        for item in items:
            began = clock()
            call(item)
            took.append(clock() - began)
        return took


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours beside a peer, on the same items. `reach` bounds the ratio of the times, `trips` the round trips of ours."""

    name: str
    ours: Side
    beside: Side
    items: Sequence[Any]
    trips: int
    reach: Reach | None = None

    def rows(self, rounds: int) -> list[Row]:
        """Return the rows of the time and of the round trips."""
        return [self.time(rounds), self.round_trips()]

    def time(self, rounds: int) -> Row:
        """Measure the calls of both in turns; the ratio is that of the medians of a round."""
        sides = {"ours": self.ours, "beside": self.beside}
        took = interleaved(list(sides), rounds, lambda which: _turn(sides[which], self.items))
        ours, theirs = took["ours"], took["beside"]
        beside = f"{self.beside.name} {number(median(theirs))}"
        return row(f"{self.name}: time", median(ours), "us", beside, median_ratio(ours, theirs), self.reach)

    def round_trips(self, beside: Side | None = None) -> Row:
        """Count the round trips of one call of ours, and of one of the peer or of `beside`."""
        other = beside or self.beside
        ours, theirs = (count_round_trips(side, self.items[0]) for side in (self.ours, other))
        holds = ours <= self.trips
        said = f"{other.name} {theirs}"
        return Row(f"{self.name}: round trips", ours, "", said, ours / theirs, f"<= {self.trips}", holds)


def _turn(side: Side, items: Sequence[Any]) -> float:
    """Return the median microseconds of a call, which calls that lost the core to another process do not change."""
    side.prepare(items)
    return median(side.times(items)) / 1000


def count_round_trips(side: Side, item: Any) -> int:
    """Return the number of round trips to Redis of one call."""
    side.prepare([item])
    with counted_requests() as requests:
        side.times([item])
    return len(requests)


@contextmanager
def counted_requests() -> Iterator[list[int]]:
    """Yield a list with the bytes of each request that any redis-py connection of this process sends."""
    connection: Any = redis.connection.AbstractConnection
    send, requests = connection.send_packed_command, []

    def counted(self: Any, command: Any, check_health: bool = True) -> Any:
        requests.append(len(command) if isinstance(command, bytes) else sum(map(len, command)))
        return send(self, command, check_health)

    connection.send_packed_command = counted
    try:
        yield requests
    finally:
        connection.send_packed_command = send
