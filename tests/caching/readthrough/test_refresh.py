"""Background refresh: one task for each key, and the loss of a task does no harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from caching.entries.erasure import erase
from caching.keys import KeySpace
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.readthrough.refresh import prefetch, refresh
from caching.readthrough.worker_health import worker_health
from caching.redis.connections import client
from tests.deploy.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


@pytest.fixture
def broker_away(broker_at: Callable[[int], None]) -> None:
    """A broker that refuses connections."""
    broker_at(free_port())


@pytest.fixture
def stale(things, truth, clock) -> None:
    """Make entries 1 and 2 stale: loaded a while ago, and changed since."""
    truth.rows = {1: b"old", 2: b"old"}
    fetch_many(things, [1, 2])
    clock.advance(61)
    truth.rows = {1: b"new", 2: b"new"}
    truth.loads.clear()


def test_without_a_broker_the_stale_answer_goes_out_and_the_next_reader_refreshes(stale, things, truth, broker_away):
    # The lease is released at once
    assert fetch(things, 1)[:2] == (b"old", State.STALE)
    assert client("cache").exists(KEYS.lease(1)) == 0
    assert truth.loads == []
    assert worker_health.seems_absent()

    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert fetch(things, 1)[:2] == (b"new", State.HIT)


def test_without_a_broker_a_batch_does_the_same(stale, things, truth, broker_away):
    assert fetch_many(things, [1, 2]).bodies == {1: b"old", 2: b"old"}
    assert fetch_many(things, [1, 2]).bodies == {1: b"new", 2: b"new"}
    assert truth.loads == [[1, 2]]
    assert fetch_many(things, [1, 2]).origin.hits == 2


@pytest.mark.parametrize(
    "read", [lambda things: fetch(things, 1).body, lambda things: fetch_many(things, [1]).bodies[1]]
)
def test_a_reader_whose_refresh_fails_answers_the_stale_entry(stale, things, truth, broker_away, read):
    def fail() -> None:
        raise RuntimeError("no database")

    read(things)
    truth.during_load = fail
    assert [read(things) for _ in range(3)] == [b"old"] * 3
    # One attempt; then the loader is backed off.
    assert len(truth.loads) == 1


def test_a_stale_batch_is_one_message_however_often_it_is_read(stale, things, truth, queue):
    for _ in range(3):
        assert set(fetch_many(things, [1, 2]).bodies.values()) == {b"old"}
    (message,) = queue.run()
    assert sorted(id for id, _ in message.args[1]) == [1, 2]
    assert truth.loads == [[1, 2]]
    assert fetch_many(things, [1, 2]).origin.hits == 2


def test_inside_a_transaction_no_refresh_is_sent(stale, things, queue):
    with transaction.atomic():
        assert fetch(things, 1).state is State.STALE
    assert queue.messages() == []


def test_a_row_that_is_gone_is_refreshed_to_missing(stale, things, truth, queue):
    truth.rows = {}
    fetch(things, 1)
    queue.run()
    assert fetch(things, 1)[:2] == (None, State.HIT)


def test_a_prefetch_fills_missing_entries_only(stale, things, truth, queue):
    truth.rows[3] = b"three"
    prefetch(things, [1, 3])
    prefetch(things, [1, 3])
    assert [message.args[1][0][0] for message in queue.run()] == [3]
    assert fetch(things, 3)[:2] == (b"three", State.HIT)
    assert truth.loads == [[3]]


def test_after_a_clear_a_refresh_fills_what_readers_find(things, truth, clock, queue):
    # Given a stale entry of the generation after a clear
    things.store.clear()
    truth.rows = {1: b"old"}
    fetch(things, 1)
    truth.rows = {1: b"new"}
    clock.advance(61)

    # When the worker refreshes it
    assert fetch(things, 1).state is State.STALE
    queue.run()

    # Then it is of that generation too
    found = fetch(things, 1)
    assert (found.body, found.state) == (b"new", State.HIT)


def test_a_refresh_whose_lease_is_gone_loads_nothing(things, truth):
    truth.rows[1] = b"{}"
    tokens = things.store.lease([1], background=[1])
    erase("things", [1])

    assert refresh("things", list(tokens.items()), 0) == {}
    assert truth.loads == []
