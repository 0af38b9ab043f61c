"""The states of one read."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from caching import metrics
from caching.counters.family import CounterFamily
from caching.entries.erasure import erase
from caching.errors import LoaderBackedOff
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.readthrough.loader import Load

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_reader_that_finds_a_lease_waits_for_its_holder_and_loads_nothing(things, truth):
    # Given another caller that holds the lease and fills while the reader waits
    truth.rows[1] = b"{}"
    object.__setattr__(things.policy, "wait", 5.0)
    tokens = things.store.lease([1])
    fill = threading.Timer(0.03, things.store.fill, ({1: b"theirs"}, tokens, things.store.clock(), 0))
    fill.start()

    # When / Then
    assert fetch(things, 1)[:2] == (b"theirs", State.MISS)
    fill.join()
    assert truth.loads == []


def test_a_reader_that_finds_nothing_takes_over_the_lease_of_a_task_that_never_ran(things, truth):
    truth.rows[1] = b"{}"
    task = things.store.lease([1], background=[1])

    assert fetch(things, 1).state is State.MISS
    assert fetch(things, 1).state is State.HIT

    # And the fill of the task, if it runs later, is refused.
    truth.rows[1] = b"new"
    erase("things", [1])
    things.store.fill({1: b"old"}, task, things.store.clock(), 0)
    assert fetch(things, 1).body == b"new"


def test_readers_of_a_cold_counted_key_load_it_once(things, truth):
    # Given a counted source with a slow load
    family = CounterFamily("clicks", shards=1, bucket_seconds=5)
    things.family = family
    object.__setattr__(things.policy, "wait", 5.0)
    loads = []

    def load(ids):
        loads.append(list(ids))
        time.sleep(0.05)
        return Load(dict.fromkeys(ids, b"{}"), dict.fromkeys(ids, 10))

    things.loader = load

    # When eight readers read it at once
    def read(_):
        try:
            return fetch(things, 1, 1)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, range(8)))

    # Then it was loaded once, and every view counted
    assert loads == [[1]]
    assert sorted(answer.live for answer in found) == list(range(11, 19))


def test_a_count_that_outlived_its_row_is_forgotten(things, truth):
    """A read that raced with a deletion may seed the count of a row that is gone."""
    family = CounterFamily("clicks", shards=1, bucket_seconds=5)
    family.seed({1: 7}, frozenset())
    fetch(things, 1)  # remembered as missing
    things.family = family

    assert fetch(things, 1, 1).body is None
    assert family.live([1]) == {}
    assert fetch(things, 1, 1).body is None
    assert family.live([1]) == {}


def test_inside_a_transaction_a_read_without_a_view_seeds_no_live_count(things):
    family = CounterFamily("clicks", shards=1, bucket_seconds=5)
    things.family = family
    things.loader = lambda ids: Load(dict.fromkeys(ids, b"{}"), dict.fromkeys(ids, 3))
    with transaction.atomic():
        assert fetch(things, 1).live == 3
    assert family.live([1]) == {}


@pytest.mark.parametrize("read", [fetch, lambda things, pk: fetch_many(things, [pk])], ids=["fetch", "fetch_many"])
def test_freshness_counts_from_the_start_of_the_load(things, truth, clock, read):
    """Law 2: an entry whose load took fifty seconds is ten seconds from its soft expiry (60 s)."""
    truth.rows = {1: b"one"}
    truth.during_load = lambda: clock.advance(50)
    read(things, 1)
    truth.during_load = lambda: None
    clock.advance(9)
    assert fetch(things, 1).state is State.HIT
    clock.advance(1)
    assert fetch(things, 1).state is State.STALE


def refused() -> float:
    return metrics.INCREMENTS_REFUSED.labels("clicks", "database")._value.get()


def test_a_view_of_an_entry_that_cannot_be_loaded_is_counted_as_refused(things, truth):
    things.family, before = CounterFamily("clicks", shards=1, bucket_seconds=5), refused()

    def away(ids):
        raise DatabaseError("gone")

    things.loader = away

    with pytest.raises(DatabaseError):
        fetch(things, 1, 1)
    # And while the loader is backed off after that
    with pytest.raises(LoaderBackedOff):
        fetch(things, 1, 1)

    assert refused() == before + 2


def test_an_entry_without_its_live_count_is_answered_while_the_database_is_away(things, truth):
    truth.rows[1] = b"{}"
    fetch(things, 1)
    things.family = CounterFamily("clicks", shards=1, bucket_seconds=5)

    def away(ids):
        raise DatabaseError("gone")

    things.loader, before = away, refused()

    assert fetch(things, 1, 1) == (b"{}", State.HIT, 0)
    assert refused() == before + 1


def test_an_entry_from_a_clock_that_was_ahead_is_stale(things, truth, clock):
    truth.rows[1] = b"{}"
    clock.advance(3600)
    fetch(things, 1)
    clock.advance(-3600)

    assert fetch(things, 1).state is State.STALE
