"""Law 1: once an invalidation has returned, no value loaded before it is stored or served, in any ordering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
import redis

from caching.entries.erasure import erase
from caching.entries.policy import Policy
from caching.entries.store import Store
from caching.keys import Id, KeySpace
from caching.redis.connections import client
from tests.caching.interleavings import FAULTS, NOW_MS, READ, WRITE, Outcome, Reader, Walk

# A store may query the journal and dictionaries; both tables are empty here.
pytestmark = pytest.mark.django_db

POLICY = Policy("things", soft_ttl=60, hard_ttl=3600, negative_ttl=3600, jitter=0, lease=300)
KEYS = KeySpace("things")


@pytest.fixture
def redis_state(redis_state: redis.Redis, settings: Any) -> redis.Redis:
    """The test's Redis, with a long timeout: a walk sends thousands of commands, and no ordering has a timeout."""
    settings.CACHING = {**settings.CACHING, "TIMEOUT_SECONDS": 10}
    return client("state")


class Ours(Store):
    """The store as it is used: an invalidation erases."""

    def invalidate(self, ids: Sequence[Id]) -> None:
        erase(self.policy.namespace, ids)


class LeavesTheLease(Ours):
    """A mutant whose invalidation deletes the entry, but not the lease of a load under way."""

    def invalidate(self, ids: Sequence[Id]) -> None:
        client("cache").delete(*map(KEYS.entry, ids))


class ComparesNoToken(Ours):
    """A mutant that stores any value: it writes its token into the lease just before the comparison."""

    def fill(self, bodies: Mapping[Id, bytes | None], tokens: Mapping[Id, str], *loaded: Any) -> Any:
        for id, token in tokens.items():
            client("cache").set(KEYS.lease(id), token)
        return super().fill(bodies, tokens, *loaded)


class TrustsALostLease(Ours):
    """A mutant that refuses a fill only if another caller holds the lease, not if the lease is gone."""

    def fill(self, bodies: Mapping[Id, bytes | None], tokens: Mapping[Id, str], *loaded: Any) -> Any:
        for id, token in tokens.items():
            client("cache").set(KEYS.lease(id), token, nx=True)
        return super().fill(bodies, tokens, *loaded)


class Kept(NamedTuple):
    """A value that `CacheAside` found."""

    body: bytes
    negative: bool = False

    def is_fresh(self, now_ms: int) -> bool:
        return True


class Found(NamedTuple):
    """What one read of `CacheAside` found."""

    entries: dict[Id, Kept]
    generation: int = 0


class CacheAside:
    """The usual cache-aside: GET, load, SET; and DEL once the write has committed."""

    def read(self, ids: Sequence[Id]) -> Found:
        values = client("cache").mget([KEYS.entry(id) for id in ids])
        return Found({id: Kept(value) for id, value in zip(ids, values, strict=True) if value is not None})

    def lease(self, ids: Sequence[Id], background: Sequence[Id] = ()) -> dict[Id, str]:
        return dict.fromkeys(ids, "anybody")

    def fill(self, bodies: Mapping[Id, Any], tokens: Mapping[Id, str], loaded_ms: int, generation: int) -> None:
        for id, body in bodies.items():
            client("cache").set(KEYS.entry(id), body, ex=60)

    def invalidate(self, ids: Sequence[Id]) -> None:
        client("cache").delete(*map(KEYS.entry, ids))


def new_store(kind: type[Ours] = Ours) -> Ours:
    return kind(POLICY, lambda: NOW_MS)


# What Redis holds at first, the two readers, the faults, and how many orderings of it all there are.
SCENARIOS = [
    pytest.param({}, b"old", [Reader(), Reader()], FAULTS, 13_870_656, id="missing"),
    pytest.param({1: 5}, b"old", [Reader(), Reader()], FAULTS, 2_811_828, id="fresh"),
    pytest.param({1: 100}, b"old", [Reader(), Reader()], FAULTS, 13_478_932, id="stale"),
    pytest.param({}, None, [Reader(), Reader()], FAULTS, 13_870_656, id="created"),
    pytest.param({}, b"old", [Reader(), Reader(ahead=True)], FAULTS, 16_278_678, id="prefetch"),
    pytest.param({2: 100}, b"old", [Reader((1, 2)), Reader()], ("evict", "flush"), 677_214, id="batch"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("ages", "old", "readers", "faults", "orderings"), SCENARIOS)
def test_no_ordering_serves_what_was_loaded_before_the_commit(redis_state, ages, old, readers, faults, orderings):
    """61 million orderings in all, of two readers, a writer, and an expiry, an eviction and a flush at any moment."""
    # Given entries of these ages in the cache
    store = new_store()
    for id, age in ages.items():
        store.fill({id: old}, store.lease([id]), NOW_MS - 1000 * age, 0)

    # When everything happens in every order
    outcome = Walk(store, redis_state, KEYS, old).run(*readers, faults=faults)

    # Then no read that began after the invalidation had returned was served the old row
    assert outcome.stories == []
    assert outcome.orderings == orderings


@pytest.mark.parametrize(
    ("cache", "steps", "writer"),
    [
        pytest.param(CacheAside(), READ, WRITE, id="cache-aside"),
        pytest.param(new_store(LeavesTheLease), READ, WRITE, id="invalidation-leaves-lease"),
        pytest.param(new_store(ComparesNoToken), READ, WRITE, id="fill-compares-nothing"),
        pytest.param(new_store(TrustsALostLease), READ, WRITE, id="fill-trusts-lost-lease"),
        pytest.param(new_store(), ("read", "load", "lease", "fill"), WRITE, id="load-before-lease"),
        pytest.param(new_store(), READ, ("invalidate", "commit"), id="invalidation-before-commit"),
    ],
)
def test_a_cache_that_breaks_the_law_is_found(redis_state, cache, steps, writer):
    reader = Reader(steps=steps)

    outcome = Walk(cache, redis_state, KEYS).run(reader, reader, writer=writer, faults=())

    assert outcome.stale > 0


def test_plain_cache_aside_is_stale_by_the_textbook_ordering(redis_state):
    outcome = Walk(CacheAside(), redis_state, KEYS).run(Reader(), Reader(), faults=())

    assert (outcome.orderings, outcome.stale) == (2724, 378)
    assert "read 1, lease 1, load 1, commit, invalidate, fill 1" in outcome.stories


@pytest.mark.parametrize("cache", [new_store(), CacheAside()], ids=["ours", "cache-aside"])
def test_orderings_that_are_walked_together_are_counted_as_if_each_were_walked_by_itself(redis_state, cache):
    def walk(merge: bool) -> Outcome:
        redis_state.flushdb()
        return Walk(cache, redis_state, KEYS, merge=merge).run(Reader(), Reader(steps=READ[:1]), faults=("flush",))

    together, alone = walk(merge=True), walk(merge=False)

    assert (together.orderings, together.stale) == (alone.orderings, alone.stale)
    assert together.steps < alone.steps / 2
