"""Rows with a version, in a table of the test, behind two caches: ours and plain cache-aside."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Sequence

from django.db import connection, transaction

from caching.entries.policy import Policy
from caching.keys import Id, KeySpace
from caching.readthrough.invalidation import invalidate
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource, registry
from caching.redis.connections import client
from caching.redis.errors import REDIS_ERRORS

# Hot rows are written all the time and are stale after a moment, so tasks refresh them while others load and write.
# Cold rows are written seldom and are fresh for long, so only an invalidation renews them.
HOT = tuple(range(1, 6))
COLD = tuple(range(6, 26))
IDS = HOT + COLD
SOURCES = (
    # Such short leases sometimes end during a load, and the lease of a killed process ends soon.
    Resource(Policy("random_run_hot", soft_ttl=0.2, hard_ttl=60, lease=0.3, wait=0.1), lambda ids: _load(ids)),
    Resource(Policy("random_run_cold", soft_ttl=60, hard_ttl=300, lease=1.0, wait=0.5), lambda ids: _load(ids)),
)
_TABLE = "random_run_rows"
_PLAIN_SECONDS = 60


def create() -> None:
    """Create the table; every row is in its first version."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_TABLE} (id bigint PRIMARY KEY, version bigint NOT NULL)")
        cursor.execute(f"INSERT INTO {_TABLE} SELECT unnest(%s::bigint[]), 1", [list(IDS)])


def drop() -> None:
    """Drop the table if it exists."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLE}")


def announce() -> None:
    """Register the resources, for the tasks that refresh their entries."""
    for source in SOURCES:
        registry.add(source)


def choose() -> tuple[int, ...]:
    """Return the hot rows, or now and then the cold ones."""
    return random.choices([HOT, COLD], [60, 40])[0]


def source_of(id: int) -> Resource:
    """Return the resource of a row in our cache."""
    return SOURCES[id in COLD]


def keys_of(id: int) -> tuple[str, str]:
    """Return the keys of a row's entry and lease in our cache."""
    keys = KeySpace(source_of(id).policy.namespace)
    return keys.entry(id), keys.lease(id)


def versions(ids: Sequence[Id]) -> dict[Id, int]:
    """Return the versions in the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, version FROM {_TABLE} WHERE id = ANY(%s)", [list(ids)])
        return dict(cursor.fetchall())


def write(id: int) -> int:
    """Give a row its next version in the current transaction, and invalidate it in both caches; return the version."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {_TABLE} SET version = version + 1 WHERE id = %s RETURNING version", [id])
        (version,) = cursor.fetchone()
    # A kill between commit and invalidation does most harm, so this makes that interval longer.
    transaction.on_commit(lambda: dawdle(0.1))
    invalidate(source_of(id), [id])
    transaction.on_commit(lambda: _forget_plain(id))
    return int(version)


def read_plain(id: int) -> int:
    """Return a row's version by GET, SELECT and SET."""
    with contextlib.suppress(*REDIS_ERRORS):
        if (kept := client("cache").get(plain_key(id))) is not None:
            return int(kept)
    version = versions([id])[id]
    dawdle(0.5)
    with contextlib.suppress(*REDIS_ERRORS):
        client("cache").set(plain_key(id), version, ex=_PLAIN_SECONDS)
    return version


def plain_key(id: int) -> str:
    """Return the key of a row in plain cache-aside."""
    return f"plain:{id}"


def dawdle(chance: float) -> None:
    """Sleep for some milliseconds at random, as a busy machine or a slow query would."""
    if random.random() < chance:
        time.sleep(random.uniform(0.002, 0.05))


def _load(ids: Sequence[Id]) -> Load:
    found = versions(ids)
    dawdle(0.5)
    return Load({id: str(version).encode() for id, version in found.items()})


def _forget_plain(id: int) -> None:
    with contextlib.suppress(*REDIS_ERRORS):
        client("cache").delete(plain_key(id))
