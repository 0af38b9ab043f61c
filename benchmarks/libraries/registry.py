"""All peers and their ways, in the order of the table."""

from __future__ import annotations

from benchmarks.libraries import cachalot, cacheops, cashews, django_cache, dogpile, ours
from benchmarks.libraries.peer import Peer

PEERS: tuple[type[Peer], ...] = (
    django_cache.DjangoCache,
    django_cache.DjangoRedis,
    django_cache.DjangoRedisPattern,
    cacheops.Cacheops,
    cacheops.CacheopsLocked,
    cacheops.CacheopsFresh,
    cacheops.CacheopsModel,
    cachalot.Cachalot,
    dogpile.Dogpile,
    dogpile.DogpileLocked,
    dogpile.DogpileRunner,
    cashews.Cashews,
    cashews.CashewsLocked,
    cashews.CashewsEarly,
    cashews.CashewsMatch,
    ours.Ours,
    ours.OursPatient,
)


def find(title: str, way: str) -> type[Peer]:
    """Return a peer's class by its title and way. Raises KeyError."""
    return {(peer.title, peer.way): peer for peer in PEERS}[title, way]
