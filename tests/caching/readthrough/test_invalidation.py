"""Laws 7 and 9: which entries an invalidation and a clear erase, when, and what they do not touch."""

from __future__ import annotations

import pytest
from django.db import transaction

from caching.entries.entry import decode
from caching.errors import UnknownNamespace
from caching.keys import KeySpace
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.readthrough.invalidation import clear, invalidate
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


def test_nothing_is_filled_inside_a_transaction_and_a_rollback_invalidates_nothing(things, truth):
    """Law 9."""
    truth.rows[1] = b"old"
    fetch(things, 1)
    truth.rows[2] = b"{}"

    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        invalidate(things, [1])
        fetch(things, 2)
        _ = 1 / 0

    assert fetch(things, 1).state is State.HIT
    assert client("cache").exists(KEYS.entry(2)) == 0


def test_a_rolled_back_savepoint_invalidates_nothing_and_the_commit_around_it_does(things, truth):
    truth.rows = {1: b"one", 2: b"two"}
    fetch(things, 1)
    fetch(things, 2)

    with transaction.atomic():
        invalidate(things, [1])
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
            invalidate(things, [2])
            _ = 1 / 0
        assert client("cache").exists(KEYS.entry(1)) == 1

    assert client("cache").exists(KEYS.entry(1)) == 0
    assert client("cache").exists(KEYS.entry(2)) == 1


def test_a_clear_follows_the_commit_too(things, truth):
    truth.rows[1] = b"{}"
    fetch(things, 1)
    with transaction.atomic():
        clear("things")
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
            clear("things")
            _ = 1 / 0
        assert client("cache").get(KEYS.generation) is None
    assert fetch(things, 1).state is State.MISS


def test_a_clear_is_one_command_however_many_entries_there_are(things, truth, redis_commands):
    truth.rows = dict.fromkeys(range(500), b"{}")
    fetch_many(things, range(500))
    with redis_commands() as trips:
        clear("things")
    assert trips == [["SET"]]
    assert fetch_many(things, range(500)).origin.misses == 500


def test_a_namespace_that_is_not_declared_cannot_be_cleared(things):
    with pytest.raises(UnknownNamespace, match=r"there are .*things"):
        clear("thing")


def test_many_ids_are_erased_by_a_few_short_commands(things, truth, redis_commands):
    truth.rows = dict.fromkeys(range(1200), b"{}")
    fetch_many(things, range(1200))
    with redis_commands() as trips:
        invalidate(things, [*range(1200), *range(1200)])
    # Five hundred keys each: an entry and its lease.
    assert trips == [["DEL"]] * 5
    assert fetch_many(things, range(1200)).origin.misses == 1200


def test_without_ids_nothing_is_sent(things, redis_commands, django_assert_num_queries):
    with redis_commands() as trips, django_assert_num_queries(0):
        invalidate(things, [])
    assert trips == []


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


def test_an_entry_of_another_schema_is_a_miss(things, truth):
    truth.rows[1] = b"{}"
    fetch(things, 1)
    raw = client("cache").get(KEYS.entry(1))
    assert decode(raw).schema == 1

    object.__setattr__(things.policy, "schema", 2)

    assert fetch(things, 1).state is State.MISS


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
