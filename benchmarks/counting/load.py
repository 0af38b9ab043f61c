"""The rows of a sustained load: rate and latency, the age of PostgreSQL's totals, and the CPU used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.counting.sums import exactness
from benchmarks.counting.sustained import Sustained, sustain
from benchmarks.counting.ticks import PERIOD
from benchmarks.counting.views_act import FLOOR
from benchmarks.harness.rows import Reach, Row, number, row
from products.cache import product_views

PER_SECOND = Reach(10_000, at_least=True, unit="1/s")
FRESH_SECONDS = Reach(10, at_least=False, unit="s")
# A flush that takes longer than its period falls behind.
FLUSH_SECONDS = Reach(PERIOD, at_least=False, unit="s")


def rows(ids: Sequence[int], processes: int, seconds: float, floor_seconds: float) -> list[Row]:
    """Return the rows of that many concurrent clients, beside the same clients sending bare HINCRBYs."""
    found = sustain(ids, processes, seconds, floor_seconds)
    name = f"{processes} clients for {seconds:g} s"
    ours, floor = _rate(found.clients), _rate(found.floor)
    accepted, unknown = (sum(each[what] for each in found.clients) for what in ("accepted", "unknown"))
    beside = f"{FLOOR} by the same {number(floor)}"
    return [
        row(f"{name}: views accepted", ours, "1/s", beside, ours / floor, PER_SECOND),
        _latency(name, found.clients),
        *_freshness(name, found),
        _slowest(name, found.flushes),
        *_cpu(name, found, seconds),
        exactness(name, accepted, found.before, unknown),
    ]


def _rate(clients: Sequence[dict[str, Any]]) -> float:
    return sum(each["accepted"] / each["seconds"] for each in clients)


def _latency(name: str, clients: Sequence[dict[str, Any]]) -> Row:
    p50, p99 = (max(each[part] for each in clients) for part in ("p50", "p99"))
    return row(f"{name}: p99 of increment_view, slowest client", p99, "ms", f"its median {number(p50)}", p99 / p50)


def _freshness(name: str, found: Sustained) -> list[Row]:
    """Return the greatest age of PostgreSQL's totals, for both times at which flushes begin."""
    turn = found.flushes[len(found.ticks.worst) - 1]["ended"]
    text = f"{name}: age of PostgreSQL, flushes from just {{}} a bucket's end on"
    beside = f"{product_views.bucket_seconds} s a bucket, a flush every {PERIOD:g} s"
    return [
        row(text.format(when), max(age.seconds for age in found.ages if of(age.at)), "s", beside, None, FRESH_SECONDS)
        for when, of in (("before", lambda at: at <= turn), ("after", lambda at: at > turn))
    ]


def _slowest(name: str, flushes: Sequence[dict[str, Any]]) -> Row:
    slow = max(flushes, key=lambda flush: flush["ended"] - flush["began"])
    said = f"{slow['stats']['products_synced']:,} counts of {slow['stats']['total_views']:,} views"
    return row(f"{name}: slowest flush", slow["ended"] - slow["began"], "s", said, None, FLUSH_SECONDS)


def _cpu(name: str, found: Sustained, seconds: float) -> list[Row]:
    before, after = found.used
    used = {"Redis": after.redis - before.redis, "the flusher": sum(flush["cpu"] for flush in found.flushes)}
    if before.postgres is not None and after.postgres is not None:
        used["PostgreSQL"] = after.postgres - before.postgres
    return [row(f"{name}: CPU of {which}", spent / seconds, "cores") for which, spent in used.items()]
