"""Ten warm keys are read from a Redis that SIGSTOP has frozen: it accepts connections and answers nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

from benchmarks.libraries.attempt import Attempt
from benchmarks.libraries.peer import Peer
from benchmarks.libraries.verdict import Finding

HEADING = "frozen Redis\n10 reads"
READS = 10
CAP_SECONDS = 15.0
_REACH_SECONDS = 0.5


def inside(peer: Peer) -> dict[str, Any]:
    """Read ten keys from a stopped Redis, one after the other, until all are read or the time is over."""
    for id in range(1, READS + 1):
        peer.read(id)
    ended: list[str] = []
    done = threading.Event()

    def read_all() -> None:
        for id in range(1, READS + 1):
            with Attempt() as attempt:
                peer.read(id)
            ended.append(attempt.raised)
        done.set()

    os.kill(peer.place.redis_pid, signal.SIGSTOP)
    began = time.perf_counter()
    threading.Thread(target=read_all, daemon=True).start()
    finished = done.wait(CAP_SECONDS)
    seconds = time.perf_counter() - began
    os.kill(peer.place.redis_pid, signal.SIGCONT)
    return {"seconds": seconds, "finished": finished, "ended": list(ended)}


def findings(found: dict[str, Any]) -> list[Finding]:
    seconds, raised = found["seconds"], [name for name in found["ended"] if name]
    answered = len(found["ended"]) - len(raised)
    time_taken = f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    if not found["finished"]:
        cell = f"> {CAP_SECONDS:.0f} s, {len(found['ended'])} of {READS}"
    else:
        cell = f"{time_taken}, {f'{len(raised)} raise' if raised else 'answered'}"
    said = (
        ("" if found["finished"] else "stopped: ")
        + f"{answered} answered"
        + (f", {len(raised)} raised {', '.join(sorted(set(raised)))}" if raised else "")
    )
    within = bool(found["finished"]) and seconds < _REACH_SECONDS
    return [
        Finding("frozen Redis: 10 reads", seconds, "s", cell, f"< {_REACH_SECONDS} s", within, said),
        Finding("frozen Redis: answered", answered, "reads", "", f"all {READS}", answered == READS),
    ]
