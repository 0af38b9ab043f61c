"""Views drawn by Zipf's law, as in real shops: few products are viewed often, most of them seldom."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from random import Random

from products.replay.trace import read_trace

# The exponent of a recorded trace of a real shop, which the made-up trace copies in its numbers too.
SKEW = 0.83
_VIEWS, _PRODUCTS, _SEEN_ONCE = 95_607, 13_756, 0.45


def draw(ids: Sequence[int], count: int, seed: int) -> list[int]:
    """Return that many views of the products, drawn by Zipf's law. Every seed has the same popular ones."""
    ranked = Random(0).sample(ids, len(ids))
    return Random(seed).choices(ranked, cum_weights=list(accumulate(_weights(len(ids)))), k=count)


def trace(limit: int | None = None) -> tuple[str, list[int]]:
    """Return a name and the views of the trace in BENCH_TRACE, or of a made-up one. Raises TraceError."""
    path = os.environ.get("BENCH_TRACE")
    if path:
        return "recorded trace", list(read_trace(Path(path), limit))
    return "made-up trace", made_up()[:limit]


def made_up(views: int = _VIEWS, products: int = _PRODUCTS) -> list[int]:
    """Return the views of a trace, as product numbers: nearly half of its products are viewed once."""
    once = round(products * _SEEN_ONCE)
    often = range(once, products)
    # Each of these is viewed twice, and the rest is drawn.
    numbers = [*range(once), *often, *often]
    numbers += Random(2).choices(often, cum_weights=list(accumulate(_weights(len(often)))), k=views - len(numbers))
    Random(3).shuffle(numbers)
    return numbers


def _weights(count: int) -> list[float]:
    return [rank**-SKEW for rank in range(1, count + 1)]
