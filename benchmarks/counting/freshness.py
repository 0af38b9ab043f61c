"""The age of PostgreSQL's totals: from the acceptance of views until they are visible there.

Measured by shard, because a flush takes one after the other: a sum over shards would hide the late ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Mark(NamedTuple):
    """How many views of each shard a client had had accepted, or PostgreSQL held, at a time."""

    at: float
    views: Sequence[int]


class Age(NamedTuple):
    """The age of PostgreSQL's totals at a time, in seconds."""

    at: float
    seconds: float


# Pairs of a time and the views by then.
_Curve = list[tuple[float, float]]


def ages(clients: Sequence[Sequence[Mark]], seen: Sequence[Mark]) -> list[Age]:
    """Return the age at each sample of PostgreSQL: the time since the views accepted by then were no more than it
    holds, in the worst shard."""
    shards = range(len(seen[0].views)) if seen else range(0)
    curves = [_curve([[(mark.at, mark.views[shard]) for mark in marks] for marks in clients]) for shard in shards]
    return [
        Age(look.at, max(look.at - _reached(curve, views) for curve, views in zip(curves, look.views, strict=True)))
        for look in seen
    ]


def _curve(clients: Sequence[_Curve]) -> _Curve:
    """Return the views of all clients together by time, interpolated linearly between two marks."""
    times = sorted({at for marks in clients for at, _ in marks})
    return [(at, sum(_between(marks, at) for marks in clients)) for at in times]


def _between(marks: _Curve, at: float) -> float:
    place = bisect_left(marks, at, key=lambda mark: mark[0])
    if place == 0:
        return 0.0
    if place == len(marks):
        return marks[-1][1]
    return _line(at, *marks[place - 1], *marks[place])


def _reached(curve: _Curve, views: float) -> float:
    """Return the last time at which there were no more than that many views."""
    place = bisect_left(curve, views, key=lambda point: point[1])
    if place == 0:
        return curve[0][0]
    if place == len(curve):
        return curve[-1][0]
    (time, count), (later, more) = curve[place - 1], curve[place]
    return _line(views, count, time, more, later)


def _line(x: float, x0: float, y0: float, x1: float, y1: float) -> float:
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
