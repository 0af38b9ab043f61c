"""The outcome of a replay: a tally for each thread while it runs, and one result at the end."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FAILURES_SHOWN = 20


@dataclass(slots=True)
class Tally:
    """The counts of one thread; only that thread writes them, so they need no lock."""

    outcomes: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    milliseconds: array[float] = field(default_factory=lambda: array("d"))
    failures: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """The number of views that were sent, answered or not."""
        return len(self.milliseconds)


@dataclass(frozen=True, slots=True)
class Result:
    """The whole replay. Times in seconds and milliseconds; `hit_rate` counts a stale answer as a hit."""

    views: int
    ok: int
    other: int
    errors: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    hits: int
    stale: int
    misses: int
    hit_rate: float | None
    stopped: str
    failures: list[str]

    @classmethod
    def of(cls, tallies: Sequence[Tally], seconds: float, stopped: str = "") -> Result:
        """Add up the tallies of a replay that took `seconds`; `stopped` says why it ended early."""
        outcomes = sum((tally.outcomes for tally in tallies), Counter[str]())
        sources = sum((tally.sources for tally in tallies), Counter[str]())
        times = sorted(time for tally in tallies for time in tally.milliseconds)
        answered = sources["hit"] + sources["stale"] + sources["miss"]
        return cls(
            views=len(times),
            ok=outcomes["ok"],
            other=outcomes["other"],
            errors=outcomes["error"],
            seconds=round(seconds, 3),
            per_second=round(len(times) / seconds, 1) if seconds else 0.0,
            p50_ms=percentile(times, 50),
            p99_ms=percentile(times, 99),
            hits=sources["hit"],
            stale=sources["stale"],
            misses=sources["miss"],
            hit_rate=round((sources["hit"] + sources["stale"]) / answered, 4) if answered else None,
            stopped=stopped,
            failures=[text for tally in tallies for text in tally.failures][:FAILURES_SHOWN],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return asdict(self)


def percentile(times: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of sorted times, 0 if there are none."""
    if not times:
        return 0.0
    rank = -(-len(times) * percent // 100)
    return round(times[max(rank, 1) - 1], 3)
