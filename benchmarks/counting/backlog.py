"""An hour of views without a flush: its memory in Redis, and how fast it drains beside the API."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.counting.catalogue import chunks
from benchmarks.counting.filling import Filled, filled
from benchmarks.counting.flush_act import DRAIN
from benchmarks.counting.sums import everywhere, exactness
from benchmarks.harness.beside import Beside, beside
from benchmarks.harness.child import child
from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.harness.server import web_server
from caching import fetch_many
from caching.counters.backlog import FIELD_BYTES
from products.cache import load_products, product_views, products
from products.view_counts import increment_view, sync_view_counts

TIMES_FASTER = Reach(5, at_least=True)
# Products whose first view is timed.
_UNKNOWN = 50
_MB = 1024 * 1024


def rows(ids: Sequence[int], buckets: int, asked: Sequence[int], turn_seconds: float) -> list[Row]:
    """Return the rows of a backlog of that many buckets, and of a server that answers warm details meanwhile.

    Raises NoRoom.
    """
    before = everywhere()
    first = [_first_view(asked)]
    with child("counting", "flusher") as flusher, filled(ids, buckets) as found, web_server(os.environ) as server:
        _warm(asked)
        first.append(_first_view(asked))
        done = beside(flusher, DRAIN, server, asked, turn_seconds)
        first.append(_first_view(asked))
        accepted = found.views + done.answers + sum(map(len, first))
        exact = exactness(found.name, accepted, before)
        wrong = _wrong_live_counts(asked)
    said = f"{len(asked)} products"
    return [
        *_memory(found),
        *_drained(found, done),
        *_first_views(found, first),
        exact,
        Row(f"{found.name}: live counts that are wrong", wrong, "", said, None, "0", not wrong),
    ]


def _warm(ids: Sequence[int]) -> None:
    """Warm the products, with live counts that include the backlog."""
    product_views.forget(ids)
    for chunk in chunks(ids, 100):
        fetch_many(products, chunk)


def _first_view(asked: Sequence[int]) -> list[float]:
    """Return the ms of each view of products whose live counts Redis does not know."""
    some, took = asked[:_UNKNOWN], []
    product_views.forget(some)
    for id in some:
        began = time.perf_counter()
        increment_view(id)
        took.append((time.perf_counter() - began) * 1000)
    return took


def _wrong_live_counts(asked: Sequence[int]) -> int:
    """Return how many live counts differ from the totals in PostgreSQL, once everything is flushed."""
    time.sleep(product_views.bucket_seconds)
    sync_view_counts()
    totals, live = load_products(asked).totals, product_views.live(asked)
    return sum(live.get(id) != totals[id] for id in asked)


def _memory(found: Filled) -> list[Row]:
    held = found.measured
    said = f"{held.fields:,} counts; Redis grew by {number(found.grew / _MB)}"
    each, assumed = found.field_bytes, f"{FIELD_BYTES} where it cannot be measured"
    return [
        row(f"{found.name}: memory", held.bytes / _MB, "MB", said, held.bytes / found.grew),
        row("a distinct product and bucket: memory", each, "bytes", assumed, each / FIELD_BYTES),
    ]


def _drained(found: Filled, done: Beside) -> list[Row]:
    seconds, filled_in = done.until(done.answer[-1]["ended"]), f"filled in {found.seconds:,}"
    drained = row(f"{found.name}: drained", seconds, "s", filled_in, found.seconds / seconds, TIMES_FASTER)
    return [drained, *done.rows(found.name)]


def _first_views(found: Filled, first: Sequence[Sequence[float]]) -> list[Row]:
    """Return the rows of the first view of a product, whose live count is summed from every bucket in Redis."""
    without, beside, after = map(median, first)
    said = f"without {number(without)}"
    return [
        row(f"{found.name}: first view of a product", beside, "ms", said, beside / without),
        row(f"{found.name}: first view of a product, just drained", after, "ms", said, after / without),
    ]
