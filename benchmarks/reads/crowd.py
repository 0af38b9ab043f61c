"""Four processes of ten callers read one key at the same moment: loads, and the wait of the slowest."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.libraries.launch import Launcher, launcher
from benchmarks.libraries.ours import Ours
from benchmarks.libraries.stampede import CALLERS
from benchmarks.libraries.tally import PATIENCE, settled
from benchmarks.reads.child import Child, child

COLD_MS = Reach(50, at_least=False, unit="ms")
STALE_MS = Reach(20, at_least=False, unit="ms")
# Instead of an id: a GET by redis-py.
RAW = -1
_PROCESSES = 4
_LOAD_SECONDS, _SOFT_SECONDS = 0.15, 1.0
_HEAD_START = 0.1
_WARM_UP_IDS = 900


@dataclass(frozen=True, slots=True)
class Round:
    """Loads of a key, the ms of the slowest answer and of the slowest GET just before, and what was raised."""

    loads: int
    slowest: float
    floor: float
    raised: frozenset[str]


def cold(rounds: int) -> list[Row]:
    """Return the rows of a missing key whose load takes 150 ms."""
    with launcher(Ours, sys.executable, 0, load_seconds=_LOAD_SECONDS) as launched, _crowd(launched) as children:
        found = [_round(launched, children, id) for id in range(rounds)]
    late = [each.slowest - _LOAD_SECONDS * 1000 for each in found]
    return [_loads("cold key: loads", found), _slowest("cold key: slowest answer after the load", late, found, COLD_MS)]


def stale(rounds: int) -> list[Row]:
    """Return the rows of a key that is past its soft TTL; a Celery worker refreshes it."""
    asked = {"load_seconds": _LOAD_SECONDS, "soft_ttl": _SOFT_SECONDS}
    with launcher(Ours, sys.executable, 0, **asked) as launched, launched.worker(), _crowd(launched) as children:
        found = [_stale_round(launched, children, id) for id in range(rounds)]
    took = [each.slowest for each in found]
    return [_loads("stale key: refreshes", found), _slowest("stale key: slowest answer", took, found, STALE_MS)]


def _stale_round(launched: Launcher, children: Sequence[Child], id: int) -> Round:
    _ask(children[:1], id, callers=1)
    time.sleep(_SOFT_SECONDS + 0.1)
    return _round(launched, children, id, PATIENCE)


def _round(launched: Launcher, children: Sequence[Child], id: int, patience: float = 0.0) -> Round:
    tally = Path(launched.place.tally)
    floor = _ask(children, RAW)
    before = settled(tally, _LOAD_SECONDS)
    calls = _ask(children, id)
    loads = settled(tally, _LOAD_SECONDS, before, patience) - before
    raised = frozenset(call["raised"] for call in calls) - {""}
    return Round(loads, _ms(calls), _ms(floor), raised)


@contextlib.contextmanager
def _crowd(launched: Launcher) -> Iterator[list[Child]]:
    """Yield processes that have read, loaded and refreshed once, since the first time also imports and connects."""
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(child("crowd", launched)) for _ in range(_PROCESSES)]
        for each in children:
            each.answer()
        for _ in range(2):
            _ask(children, RAW)
            for offset, each in enumerate(children):
                _ask([each], _WARM_UP_IDS + offset)
            # Long enough for what was just filled to become stale, where the soft TTL is that short.
            time.sleep(_SOFT_SECONDS + 0.1)
        yield children


def _ask(children: Sequence[Child], id: int, callers: int = CALLERS) -> list[dict[str, Any]]:
    """Let all read at one moment of the monotonic clock, which all processes share."""
    order = {"id": id, "callers": callers, "start": time.monotonic() + _HEAD_START}
    for each in children:
        each.order(order)
    return [call for each in children for call in each.answer()]


def _ms(calls: Sequence[dict[str, Any]]) -> float:
    return max(call["seconds"] for call in calls) * 1000


def _loads(name: str, rounds: Sequence[Round]) -> Row:
    """Return the row of the loads of the worst round, with the names of exceptions that callers got."""
    worst = max((found.loads for found in rounds), key=lambda loads: abs(loads - 1))
    raised = sorted({error for found in rounds for error in found.raised})
    said = f"raised {', '.join(raised)}" if raised else f"{_PROCESSES} x {CALLERS} callers, worst of {len(rounds)}"
    return Row(name, worst, "", said, None, "1", worst == 1 and not raised)


def _slowest(name: str, values: Sequence[float], rounds: Sequence[Round], reach: Reach) -> Row:
    beside = f"slowest of {_PROCESSES * CALLERS} GETs {number(median(found.floor for found in rounds))}"
    return row(name, median(values), "ms", beside, None, reach)
