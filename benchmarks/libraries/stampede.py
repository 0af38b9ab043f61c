"""One process of a stampede: ten threads read one key at the same moment as those of other processes."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.libraries.attempt import Attempt
from benchmarks.libraries.peer import Peer

CALLERS = 10


def inside(peer: Peer) -> None:
    """Serve rounds: each line of stdin has an id and a moment, each line of stdout the times of the callers."""
    with ThreadPoolExecutor(CALLERS) as pool:
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            together = threading.Barrier(order["callers"])
            calls = [pool.submit(_call, peer, together, order) for _ in range(order["callers"])]
            print(json.dumps([call.result() for call in calls]), flush=True)


def _call(peer: Peer, together: threading.Barrier, order: dict[str, Any]) -> dict[str, Any]:
    together.wait(30)
    # All processes share the system's monotonic clock.
    time.sleep(max(0.0, order["start"] - time.monotonic()))
    with Attempt() as attempt:
        peer.read(order["id"])
    return {"seconds": attempt.seconds, "raised": attempt.raised}
