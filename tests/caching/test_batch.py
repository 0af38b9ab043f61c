"""Law 6: a batch of any mix is at most three round trips and one load."""

from __future__ import annotations

import pytest

from caching.keys import KeySpace
from caching.readthrough.batch import fetch_many
from caching.readthrough.invalidation import invalidate
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)


def test_order_is_kept_repeats_are_answered_once_and_unknown_ids_are_left_out(things, truth):
    truth.rows = {1: b"one", 2: b"two", 3: b"three"}

    batch = fetch_many(things, [3, 1, 3, 99, 2])

    assert list(batch.bodies.items()) == [(3, b"three"), (1, b"one"), (2, b"two")]


def test_any_mix_of_hits_stale_negative_and_missing_is_three_round_trips_and_one_load(
    things, truth, clock, redis_commands, queue
):
    # Given stale 0..29, negative 30..39, fresh 40..69, missing 70..99 of which the last ten do not exist
    truth.rows = {id: b"%d" % id for id in [*range(30), *range(40, 90)]}
    fetch_many(things, range(30))
    clock.advance(61)
    fetch_many(things, range(30, 70))
    truth.loads.clear()

    # When
    with redis_commands() as trips:
        batch = fetch_many(things, range(100))

    # Then
    assert list(batch.bodies) == [*range(30), *range(40, 90)]
    assert (batch.origin.hits, batch.origin.stale, batch.origin.misses) == (40, 30, 30)
    assert truth.loads == [[*range(70, 100), *range(30)]]
    assert [trip[0] for trip in trips if trip[0] != "EVAL"] == ["MGET", "EVALSHA", "EVALSHA"]
    assert queue.messages() == []

    # And everything that was missing is there now, what does not exist as missing
    with redis_commands() as trips:
        fetch_many(things, range(70, 100))
    assert trips == [["MGET"]]


def test_an_empty_batch_asks_nobody(things, redis_commands):
    with redis_commands() as trips:
        assert fetch_many(things, []).bodies == {}
    assert trips == []


def test_a_bad_entry_costs_its_own_key_only(things, truth):
    truth.rows = {1: b"one", 2: b"two", 3: b"three"}
    fetch_many(things, [1, 2, 3])
    client("cache").set(KeySpace("things").entry(2), b"\xff" * 40, ex=100)
    truth.loads.clear()

    assert list(fetch_many(things, [1, 2, 3]).bodies.values()) == [b"one", b"two", b"three"]
    assert truth.loads == [[2]]


def test_an_invalidation_during_the_load_refuses_only_its_own_fill(things, truth):
    truth.rows = {1: b"old", 2: b"two"}

    def write_meanwhile() -> None:
        truth.during_load = lambda: None
        truth.rows[1] = b"new"
        invalidate(things, [1])

    truth.during_load = write_meanwhile
    fetch_many(things, [1, 2])
    truth.loads.clear()

    assert fetch_many(things, [1, 2]).bodies == {1: b"new", 2: b"two"}
    assert truth.loads == [[1]]
