"""Leases, fills and clears, as the store does them for a reader."""

from __future__ import annotations

import pytest

from caching.keys import KeySpace
from caching.readthrough.fetch import State, fetch
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


def test_a_clear_makes_one_namespace_miss_and_touches_nothing_else(things, truth, redis_state):
    """Law 7."""
    truth.rows[1] = b"{}"
    fetch(things, 1)
    redis_state.set("mp:q:celery", "a queue")

    things.store.clear()

    assert fetch(things, 1).state is State.MISS
    assert fetch(things, 1).state is State.HIT
    assert redis_state.get("mp:q:celery") == b"a queue"


def test_a_value_loaded_before_a_clear_is_a_miss_after_it(things, truth):
    truth.rows[1] = b"old"
    truth.during_load = things.store.clear

    fetch(things, 1)
    truth.during_load = lambda: None
    truth.rows[1] = b"new"

    assert fetch(things, 1).body == b"new"


@pytest.mark.parametrize("rubbish", ["rubbish", "-1", "4294967296", "99999999999999999999", ""])
def test_a_damaged_generation_is_replaced_and_brings_no_old_entry_back(things, truth, redis_state, rubbish):
    # Given an entry of generation 0, and another one from before a clear
    truth.rows = {1: b"old", 2: b"old"}
    fetch(things, 1)
    things.store.clear()
    fetch(things, 2)
    truth.rows = {1: b"new", 2: b"new"}
    redis_state.set(KEYS.generation, rubbish)

    # Then one read misses and replaces it, the read after next is a hit, and neither old entry comes back
    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert redis_state.get(KEYS.generation).isdigit()
    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert fetch(things, 1)[:2] == (b"new", State.HIT)
    assert fetch(things, 2)[:2] == (b"new", State.MISS)


@pytest.mark.parametrize("lost", ["lease", "everything"])
def test_a_lease_lost_to_eviction_or_a_flush_refuses_the_fill(things, truth, lost):
    truth.rows[1] = b"old"

    def lose() -> None:
        truth.during_load = lambda: None
        client("cache").flushdb() if lost == "everything" else client("cache").delete(KEYS.lease(1))

    truth.during_load = lose

    assert fetch(things, 1).body == b"old"
    assert client("cache").get(KEYS.entry(1)) is None


def test_every_entry_and_lease_has_a_ttl(things, truth):
    """Law 8."""
    truth.rows[1] = b"{}"
    things.store.lease([9])
    fetch(things, 1)
    fetch(things, 2)

    names = list(client("cache").scan_iter("mp:[cl]:*"))
    assert len(names) == 3
    assert all(client("cache").pttl(name) > 0 for name in names)


def test_the_lease_of_a_reader_is_not_taken_over(things):
    assert things.store.lease([1])
    assert things.store.lease([1]) == {}
    assert things.store.lease([1], background=[1]) == {}
