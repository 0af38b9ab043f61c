"""Renders products as JSON bytes. The shape is decided here alone; everything else joins bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from products import money

# The members of a body, in order. `view_count` is live, so it is added to each answer.
FIELDS = (
    "id",
    "title",
    "description",
    "price",
    "currency",
    "category",
    "image_url",
    "seller_id",
    "status",
    "created_at",
    "updated_at",
)


def render(values: Iterable[Any]) -> bytes:
    """Return the JSON object of a product, without its view count, from the values of FIELDS."""
    product = dict(zip(FIELDS, values, strict=True))
    product["price"] = money.text(product["price"], product["currency"])
    return orjson.dumps(product, option=orjson.OPT_UTC_Z)


def with_count(body: bytes, count: int) -> bytes:
    """Return the JSON object with its view count as the last member."""
    return b'%b,"view_count":%d}' % (body[:-1], count)


def join(bodies: Mapping[int, bytes], counts: Mapping[int, int]) -> bytes:
    """Return the JSON array of products with their view counts."""
    # `with_count`, inlined: this is in the path of every hit on a page or a batch.
    return b"[%b]" % b",".join([b'%b,"view_count":%d}' % (body[:-1], counts[id]) for id, body in bodies.items()])
