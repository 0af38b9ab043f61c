"""Very many offers that are due at once, and the job that expires them beside the API."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from benchmarks.expiring.expired import not_once_between, others
from benchmarks.expiring.market import Ends
from benchmarks.harness.beside import beside, paused
from benchmarks.harness.child import child
from benchmarks.harness.progress import say
from benchmarks.harness.rows import Reach, Row, row
from benchmarks.harness.server import web_server
from caching import fetch_many
from products.cache import products

PER_SECOND = Reach(20_000, at_least=True, unit="1/s")
TRANSACTION_MS = Reach(250, at_least=False, unit="ms")
_BATCH = 100
# Turns of the client between two lines of progress.
_TOLD_TURNS = 20


def rows(ends: Ends, asked: Sequence[int], turn_seconds: float) -> list[Row]:
    """Return the rows of the due offers among those that were made with these ends."""
    span: tuple[datetime, datetime] = ends.due_span
    before = others(*span)
    with child("expiring", "expire") as process, web_server(os.environ) as server:
        for start in range(0, len(asked), _BATCH):
            fetch_many(products, asked[start : start + _BATCH])
        say(f"expiring {ends.due:,} offers")
        done = beside(process, "now", server, asked, turn_seconds, paused, _say)
    name = f"{ends.due:,} due among {ends.count:,}"
    wrong, touched = not_once_between(*span), others(*span) != before
    return [
        *_drained(name, ends.due, done.answer),
        *done.rows(name),
        Row(f"{name}: not expired once", wrong, "", f"{ends.due:,} offers and events", None, "0", not wrong),
        Row(f"{name}: others touched", float(touched), "", f"{before[0]:,} compared", None, "0", not touched),
    ]


def _say(turns: int) -> None:
    if not turns % _TOLD_TURNS:
        say(f"turns of the client beside it: {turns}")


def _drained(name: str, due: int, answer: dict[str, Any]) -> list[Row]:
    seconds, runs, took = answer["seconds"], answer["runs"], answer["took"]
    said = f"{seconds:.1f} s in {len(runs)} runs with their pauses"
    sent = f"{took['count']:,} of them; {took['sql']}"
    return [
        row(f"{name}: expired a second", due / seconds, "1/s", said, None, PER_SECOND),
        row(f"{name}: longest transaction", took["longest"] * 1000, "ms", sent, None, TRANSACTION_MS),
    ]
