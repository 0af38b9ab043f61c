"""A page of products as bytes."""

from __future__ import annotations

import orjson

from caching import Batch
from products.rendering import join


def products_page(batch: Batch, next_link: str | None, previous_link: str | None) -> bytes:
    """Return the JSON object `{next, previous, results}`; the results are the joined bodies of a batch."""
    return b'{"next":%b,"previous":%b,"results":%b}' % (
        orjson.dumps(next_link),
        orjson.dumps(previous_link),
        join(batch.bodies, batch.live),
    )
