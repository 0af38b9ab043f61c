"""Laws 7 and 9: which entries an invalidation and a clear erase, when, and what they do not touch."""

from __future__ import annotations

import pytest
from django.db import transaction

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
