"""Dictionaries that this process knows without a row in PostgreSQL, and bodies to train them on."""

from __future__ import annotations

import random
from functools import cache

import zstandard

from caching.entries import dictionaries
from caching.entries.codec import TrainedDictionary

WORDS = ("lamp", "chair", "table", "shelf", "carpet", "mirror", "vase", "clock", "frame", "basket", "drawer", "oak")


def body(number: int) -> bytes:
    """Return one of many bodies that have something in common."""
    drawn = random.Random(number)
    title = " ".join(drawn.choices(WORDS, k=6))
    return (
        b'{"id":%d,"title":"%s","price":"%d.99","currency":"EUR","category":"furniture","status":"available",'
        b'"image_url":"https://images.example.com/%d.jpg"}'
    ) % (number, title.encode(), drawn.randrange(500), drawn.randrange(10**9))


@cache
def data(size: int = 2048) -> bytes:
    """Return the bytes of a dictionary trained on such bodies."""
    return zstandard.train_dictionary(size, [body(number) for number in range(500)]).as_bytes()


def dictionary(namespace: str, content: bytes | None = None) -> TrainedDictionary:
    """Return a dictionary that this process knows by its number, and that no table holds."""
    content = content or data()
    made = TrainedDictionary(dictionaries.number_of(namespace, content), content)
    dictionaries.registry.know(made)
    return made
