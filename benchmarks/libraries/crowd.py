"""One key, four processes of ten callers each: how often it is loaded, and how long the slowest caller waits.

Cold: the key is missing. Stale: it has an old value, which a cache that refreshes in the background returns at once.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import IO, Any

from benchmarks.libraries.launch import Launcher
from benchmarks.libraries.tally import PATIENCE, settled
from benchmarks.libraries.verdict import Finding

COLD_HEADING, STALE_HEADING = "cold key\nloads, slowest", "stale key\nloads, slowest"
LOAD_SECONDS = 0.15
SOFT_SECONDS = 1.0
_PROCESSES, _CALLERS = 4, 10
_HEAD_START = 0.1
_WARM_UP_IDS = 900
_COLD_REACH_MS, _STALE_REACH_MS = LOAD_SECONDS * 1000 + 50, 20.0

Pipes = Sequence[tuple[IO[str], IO[str]]]


def cold(launcher: Launcher, law: str, rounds: int) -> list[dict[str, Any]]:
    """Return rounds of reads of keys that were never read before."""
    with launcher.crowd(law, _PROCESSES) as pipes:
        _warm_up(launcher, pipes)
        return [_round(launcher, pipes, id) for id in range(rounds)]


def stale(launcher: Launcher, law: str, rounds: int) -> list[dict[str, Any]]:
    """Return rounds of reads of keys that were read once and are no longer fresh."""
    with launcher.worker(), launcher.crowd(law, _PROCESSES) as pipes:
        _warm_up(launcher, pipes)
        # The same keys again, which are old by then.
        time.sleep(SOFT_SECONDS + 0.1)
        _warm_up(launcher, pipes)
        return [_stale_round(launcher, pipes, id) for id in range(rounds)]


def _stale_round(launcher: Launcher, pipes: Pipes, id: int) -> dict[str, Any]:
    _ask(launcher, pipes[:1], id, callers=1)
    time.sleep(SOFT_SECONDS + 0.1)
    return _round(launcher, pipes, id, PATIENCE)


def _warm_up(launcher: Launcher, pipes: Pipes) -> None:
    """Let each process read a key alone, since its first read, load or refresh also imports and connects."""
    for number, pipe in enumerate(pipes):
        _round(launcher, [pipe], _WARM_UP_IDS + number)


def _round(launcher: Launcher, pipes: Pipes, id: int, patience: float = 0.0) -> dict[str, Any]:
    tally = Path(launcher.place.tally)
    before = settled(tally, LOAD_SECONDS)
    calls = _ask(launcher, pipes, id, _CALLERS)
    return {
        "loads": settled(tally, LOAD_SECONDS, before, patience) - before,
        "slowest": max(call["seconds"] for call in calls),
        "raised": sorted({call["raised"] for call in calls} - {""}),
    }


def _ask(launcher: Launcher, pipes: Pipes, id: int, callers: int) -> list[dict[str, Any]]:
    order = {"id": id, "callers": callers, "start": time.monotonic() + _HEAD_START}
    for stdin, _ in pipes:
        # A process that has ended is noticed below, by its missing answer.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
    return [call for _, stdout in pipes for call in launcher.answer(stdout.readline())]


def cold_findings(rounds: list[dict[str, Any]]) -> list[Finding]:
    return _findings("cold key", "1 load", _COLD_REACH_MS, rounds)


def stale_findings(rounds: list[dict[str, Any]]) -> list[Finding]:
    return _findings("stale key", "1 refresh", _STALE_REACH_MS, rounds)


def _findings(name: str, once: str, reach_ms: float, rounds: list[dict[str, Any]]) -> list[Finding]:
    # Loads count by the worst round, waits by the median round, since one round may be disturbed by the machine.
    loads = {found["loads"] for found in rounds}
    most = max(loads)
    slowest = median(found["slowest"] for found in rounds) * 1000
    raised = sorted({error for found in rounds for error in found["raised"]})
    said = f"raised {', '.join(raised)}" if raised else f"worst of {len(rounds)} rounds"
    callers = f"{_PROCESSES} x {_CALLERS} callers"
    cell = f"{most}, {slowest:,.0f} ms"
    return [
        Finding(f"{name}: loads for {callers}", most, "loads", cell, once, loads == {1} and not raised, said),
        Finding(f"{name}: slowest caller", slowest, "ms", "", f"< {reach_ms:g} ms", slowest < reach_ms, "median round"),
    ]
