"""What an invalidation and a clear do in Redis, by the name of the namespace alone."""

from __future__ import annotations

import pytest

from caching import metrics
from caching.entries.erasure import UNKNOWN_GENERATION, erase, erase_all
from caching.errors import StoreUnavailable
from caching.keys import KeySpace
from caching.redis.connections import pool

KEYS = KeySpace("things")


def test_an_entry_and_its_lease_are_deleted_by_one_command_and_others_stay(redis_state, redis_commands):
    # given entries and leases of two ids in one namespace, and an entry in another
    other = KeySpace("others").entry(1)
    redis_state.mset({name: "x" for id in (1, 2) for name in (KEYS.entry(id), KEYS.lease(id))} | {other: "x"})
    before = metrics.INVALIDATIONS.labels("things")._value.get()

    # when one id is erased
    with redis_commands() as trips:
        erase("things", [1])

    # then
    assert trips == [["DEL"]]
    assert {*redis_state.scan_iter()} == {KEYS.entry(2).encode(), KEYS.lease(2).encode(), other.encode()}
    assert metrics.INVALIDATIONS.labels("things")._value.get() == before + 1


def test_a_clear_sets_another_generation_and_deletes_nothing(redis_state, redis_commands):
    redis_state.set(KEYS.entry(1), "x")

    with redis_commands() as trips:
        erase_all("things")
    first = int(redis_state.get(KEYS.generation))
    erase_all("things")

    assert trips == [["SET"]]
    # 0 is the generation of a namespace that was never cleared.
    assert 0 < first < UNKNOWN_GENERATION
    assert int(redis_state.get(KEYS.generation)) != first
    assert redis_state.exists(KEYS.entry(1))


def test_while_redis_is_away_the_caller_learns_that_nothing_was_erased(monkeypatch):
    monkeypatch.setattr(pool("cache").breaker, "is_open", True)
    with pytest.raises(StoreUnavailable, match="invalidate of things"):
        erase("things", [1])
    with pytest.raises(StoreUnavailable, match="clear of things"):
        erase_all("things")
