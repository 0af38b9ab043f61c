"""Codecs: bytes saved and microseconds on products and feed pages, and the memory that Redis takes for a product.

Products come from the made-up catalogue and from the files that BENCH_CATALOGUES names (path:path), which should be
real ones. The dictionary is trained on products that it is not measured on.
"""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from django.core.cache import caches

from benchmarks.harness.bodies import PAGE, Values, body, from_file, made_up, page
from benchmarks.harness.rounds import interleaved
from benchmarks.harness.rows import Reach, Row, number, row
from caching.entries import codec
from caching.entries.codec import TrainedDictionary
from caching.entries.dictionaries import number_of
from caching.entries.entry import Entry, encode
from caching.entries.training import train
from caching.redis import client, key_prefix
from products.rendering import FIELDS

DICTIONARY_BYTES = 16 * 1024
LARGE_BYTES = 10 * 1024

PRODUCTS_SAVED = Reach(70, at_least=True, unit="%")
PAGES_SAVED = Reach(72, at_least=True, unit="%")
MEMORY = Reach(0.4, at_least=False)
PACK_MS = Reach(5, at_least=False, unit="ms")
UNPACK_MS = Reach(2, at_least=False, unit="ms")

ZSTD, DICTIONARY = "zstd", "zstd with dictionary"


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers of made-up products, of products to train on, of pages to measure, and of rounds."""

    products: int = 5_000
    taught: int = 2_000
    pages: int = 40
    rounds: int = 15


FULL = Scale()
QUICK = Scale(products=3_500, pages=20, rounds=3)


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to pack bytes, and to unpack them."""

    pack: Callable[[bytes], tuple[int, bytes]]
    unpack: Callable[[tuple[int, bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Turn:
    """Bytes before and after, and microseconds a body."""

    raw: int
    packed: int
    pack_us: float
    unpack_us: float


def run(*, quick: bool) -> list[Row]:
    """Return the rows of all catalogues."""
    return measure(QUICK if quick else FULL)


def measure(scale: Scale) -> list[Row]:
    """Measure the made-up catalogue, then each file of BENCH_CATALOGUES."""
    found = _catalogue("made-up", made_up(scale.products), scale)
    for path in filter(None, os.environ.get("BENCH_CATALOGUES", "").split(os.pathsep)):
        found += _catalogue(Path(path).name.partition(".")[0], from_file(Path(path)), scale)
    return found


def _catalogue(name: str, products: Sequence[Values], scale: Scale) -> list[Row]:
    """Return the rows of one catalogue."""
    taught, pages = _split(products, scale)
    dictionary = _train([body(values) for values in taught])
    codecs = _codecs(dictionary)
    tried = [values for block in pages for values in block]
    rendered = [page(block) for block in pages]
    return [
        *_saved(f"{name} products", [body(v) for v in tried], codecs, scale, PRODUCTS_SAVED),
        *_saved(f"{name} pages of {PAGE}", rendered, codecs, scale, PAGES_SAVED),
        *_large(name, rendered, codecs, scale),
        _memory(name, tried, dictionary),
    ]


def _split(products: Sequence[Values], scale: Scale) -> tuple[list[Values], list[Sequence[Values]]]:
    """Return products to train on, and pages of neighbours that are not among them, drawn from a seed."""
    drawn = random.Random(1)
    starts = set(drawn.sample(range(len(products) // PAGE), min(scale.pages, len(products) // PAGE // 4)))
    rest = [values for place, values in enumerate(products) if place // PAGE not in starts]
    pages = [products[start * PAGE : (start + 1) * PAGE] for start in sorted(starts)]
    # The training sets a fifth of its samples aside for its own measurement.
    return drawn.sample(rest, min(len(rest), scale.taught * 5 // 4)), pages


def _train(bodies: Sequence[bytes]) -> TrainedDictionary:
    data = train("product", bodies, DICTIONARY_BYTES).data
    return TrainedDictionary(number_of("product", data), data)


def _codecs(dictionary: TrainedDictionary) -> dict[str, Codec]:
    return {
        "raw": Codec(lambda data: codec.pack(data, floor=codec.LIMIT_BYTES), _unpack),
        "zlib": Codec(lambda data: (0, zlib.compress(data)), lambda packed: zlib.decompress(packed[1])),
        ZSTD: Codec(lambda data: codec.pack(data, floor=0), _unpack),
        DICTIONARY: Codec(
            lambda data: codec.pack(data, dictionary=dictionary),
            lambda packed: codec.unpack(*packed, lambda number: dictionary),
        ),
    }


def _unpack(packed: tuple[int, bytes]) -> bytes:
    return codec.unpack(*packed)


def _saved(name: str, bodies: Sequence[bytes], codecs: dict[str, Codec], scale: Scale, reach: Reach) -> list[Row]:
    """Return how much each codec saves; the reach is for the best of ours."""
    turns = interleaved(list(codecs), scale.rounds, lambda variant: _turn(codecs[variant], bodies))
    saved = {variant: 100 * (1 - turns[variant][0].packed / turns[variant][0].raw) for variant in codecs}
    best = max((ZSTD, DICTIONARY), key=lambda variant: saved[variant])
    size = number(mean(map(len, bodies)))
    return [
        row(f"{name} of {size} bytes, {variant}: saved", saved[variant], "%", _times(turns[variant]), None,
            reach if variant == best else None)
        for variant in codecs
    ]  # fmt: skip


def _times(turns: Sequence[Turn]) -> str:
    pack, unpack = (median(values) for values in zip(*((t.pack_us, t.unpack_us) for t in turns), strict=True))
    return f"pack {number(pack)} us, unpack {number(unpack)} us"


def _turn(variant: Codec, bodies: Sequence[bytes]) -> Turn:
    start = time.perf_counter()
    packed = [variant.pack(data) for data in bodies]
    middle = time.perf_counter()
    unpacked = [variant.unpack(data) for data in packed]
    end = time.perf_counter()
    assert unpacked == list(bodies)
    each = 1e6 / len(bodies)
    return Turn(
        sum(map(len, bodies)), sum(len(data) for _, data in packed), (middle - start) * each, (end - middle) * each
    )


def _large(name: str, pages: Sequence[bytes], codecs: dict[str, Codec], scale: Scale) -> list[Row]:
    """Return the rows of 10 KB of pages, cut or joined to that size."""
    text = b"".join(pages)
    bodies = [text[start : start + LARGE_BYTES] for start in range(0, len(text) - LARGE_BYTES, LARGE_BYTES)]
    ours = {variant: codecs[variant] for variant in (ZSTD, DICTIONARY)}
    turns = interleaved(list(ours), scale.rounds, lambda variant: _turn(ours[variant], bodies))
    return [
        row(f"{name} 10 KB, {variant}: {what}", median(times) / 1000, "ms", reach=reach)
        for variant, measured in turns.items()
        for what, times, reach in (
            ("pack", [turn.pack_us for turn in measured], PACK_MS),
            ("unpack", [turn.unpack_us for turn in measured], UNPACK_MS),
        )
    ]


def _memory(name: str, products: Sequence[Values], dictionary: TrainedDictionary) -> Row:
    """Return the memory of a product in Redis: ours with the dictionary, beside a pickled dict in django-redis."""
    pickled = caches["conventional"].client.encode
    ours, theirs = [], []
    for values in products:
        packed = encode(Entry(body(values), False, 1, 0, 0, 0), dictionary=dictionary)
        ours.append(_memory_usage(f"mp:c:{{product:{values[0]}}}", packed))
        theirs.append(_memory_usage(f":1:product:{values[0]}", pickled(dict(zip(FIELDS, values, strict=True)))))
    beside = f"pickled dict {number(mean(theirs))}"
    return row(f"{name} product in Redis", mean(ours), "bytes", beside, mean(ours) / mean(theirs), MEMORY)


def _memory_usage(name: str, value: bytes) -> int:
    """Return the bytes that Redis uses for a value under a key like `name`, the key of a real deployment."""
    key = f"{key_prefix()}:".ljust(len(name), "x")
    client("cache").set(key, value, ex=60)
    return client("cache").memory_usage(key, samples=0)
