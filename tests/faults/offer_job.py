"""The expiry job in processes of their own, killed at a moment or run concurrently. For an OtherProcess."""

from __future__ import annotations

import signal
from typing import Any

from django.db import connection

from offers import sweep
from offers.expiration import process_expired_offers
from tests.faults.flusher import Moments, forking

# Small, so that a few offers make several batches.
BATCH = 4


def run_until(moment: int) -> tuple[str, int]:
    """Run the job in a process that is killed at a moment; return (its name, 0).

    If the job ended before that moment, return ("", the number of its moments).
    """
    received, sent = forking.Pipe(duplex=False)

    def run() -> None:
        sweep._BATCH = BATCH
        moments = Moments(moment, lambda name: sent.send((name, 0)))
        moments.watch()
        process_expired_offers()
        sent.send(("", moments.passed))

    child = forking.Process(target=run)
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL), "the job failed"
    return received.recv()


def run_together(number: int) -> list[dict[str, Any]]:
    """Run the job, without its lock, in many processes that start together; return the statistics of each."""
    barrier, results = forking.Barrier(number), forking.SimpleQueue()

    def run() -> None:
        sweep._BATCH = BATCH
        connection.ensure_connection()
        barrier.wait()
        results.put(process_expired_offers())

    children = [forking.Process(target=run) for _ in range(number)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * number
    return [results.get() for _ in children]


def run_here() -> dict[str, Any]:
    """Run the job in this process itself."""
    sweep._BATCH = BATCH
    return process_expired_offers()
