"""Fetch: time and round trips of reads beside redis-py on the same bytes, and stampedes, outages and clears.

The time of a call is the median of a short turn; both sides take turns in interleaved rounds, in one process, on the
same keys of the same Redis. What needs several processes has them, and a Redis of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.harness.catalogue import make_catalogue
from benchmarks.harness.rows import Row
from benchmarks.reads import crowd, entries, many, on_a_loop, one, processes
from benchmarks.reads.compare import Comparison


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: products, products in a turn of single reads, rounds of hits and of slower reads, rounds
    of crowds, and keys that are cleared."""

    products: int = 5_000
    singles: int = 200
    rounds: int = 41
    slow_rounds: int = 15
    crowds: int = 5
    keys: int = 1_000_000


FULL = Scale()
QUICK = Scale(products=2_500, singles=100, rounds=15, slow_rounds=5, crowds=2, keys=100_000)


def run(*, quick: bool) -> list[Row]:
    """Return all rows."""
    return measure(QUICK if quick else FULL)


def measure(scale: Scale) -> list[Row]:
    """Measure in this process, then with others."""
    ids = make_catalogue(scale.products, users=6).products
    return [*_reads(ids, scale), *_processes(scale)]


def _reads(ids: Sequence[int], scale: Scale) -> list[Row]:
    singles = ids[: scale.singles]
    entries.fill(ids)
    found = _rows(one.hits(singles), scale.rounds)
    found += _rows(many.hits(ids, "uncompressed", many.PLAIN), scale.rounds)
    found += on_a_loop.rows(ids, scale.rounds)
    found += _rows([*many.with_misses(ids), *one.others(singles)], scale.slow_rounds)
    entries.train_dictionary()
    entries.fill(ids)
    return found + _rows(many.hits(ids, "with dictionary", many.PACKED), scale.rounds)


def _rows(comparisons: Sequence[Comparison], rounds: int) -> list[Row]:
    return [row for comparison in comparisons for row in comparison.rows(rounds)]


def _processes(scale: Scale) -> list[Row]:
    measured = {
        "cold key": lambda: crowd.cold(scale.crowds),
        "stale key": lambda: crowd.stale(scale.crowds),
        "killed lease holder, no load measured yet": lambda: processes.holder(measured=False),
        "killed lease holder, its loads measured": lambda: processes.holder(measured=True),
        "frozen Redis": processes.frozen,
        "clear": lambda: processes.clear(scale.keys),
    }
    return [row for name, measure in measured.items() for row in processes.attempted(name, measure)]
