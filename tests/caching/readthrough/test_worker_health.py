"""Readers refresh entries themselves while no worker seems to run the refreshes that are sent."""

from __future__ import annotations

import pytest

from caching.keys import KeySpace
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.readthrough.worker_health import WorkerHealth, worker_health
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


def test_a_worker_is_thought_absent_for_ten_seconds_after_a_refresh_that_was_not_run():
    now = [0.0]
    absent = WorkerHealth(lambda: now[0])
    assert absent.should_enqueue("things", 1, loaded_ms=5)
    assert absent.should_enqueue("things", 2, loaded_ms=5)
    assert not absent.seems_absent()

    # The same entry, as old as before: the refresh that was sent has not run.
    assert not absent.should_enqueue("things", 1, loaded_ms=5)
    assert absent.seems_absent()
    assert not absent.should_enqueue("things", 3, loaded_ms=5)

    # After ten seconds a worker gets another chance.
    now[0] = 10.0
    assert not absent.seems_absent()
    assert absent.should_enqueue("things", 1, loaded_ms=5)


def test_while_refreshes_are_run_the_worker_does_not_seem_absent():
    present = WorkerHealth(lambda: 0.0)
    assert all(present.should_enqueue("things", 1, loaded_ms) for loaded_ms in range(50))


def test_a_limited_number_of_refreshes_is_remembered():
    present = WorkerHealth(lambda: 0.0)
    for id in range(5000):
        present.should_enqueue("things", id, 1)
    assert len(present._sent) == 1000


def test_while_a_worker_seems_present_a_fresh_entry_is_not_refreshed(things, truth, clock, queue):
    truth.rows[1] = b"{}"
    fetch(things, 1)
    things.load_times.start_afresh(mean_ms=1e9)
    clock.advance(59)
    assert fetch(things, 1).state is State.HIT
    assert (len(truth.loads), queue.messages()) == (1, [])


def test_without_a_worker_a_reader_refreshes_before_the_entry_is_stale(things, truth, clock, queue):
    # Given an entry that will soon be stale, whose load takes very long, and no worker
    truth.rows[1] = b"old"
    fetch(things, 1)
    truth.rows[1] = b"new"
    worker_health.note_missing()
    clock.advance(59)
    things.load_times.start_afresh(mean_ms=1e9)

    # Then a reader, picked by chance, refreshes it itself and sends no message
    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert queue.messages() == []
    things.load_times.start_afresh(mean_ms=0.001)
    assert fetch(things, 1)[:2] == (b"new", State.HIT)


def test_a_refresh_that_was_sent_and_not_run_within_its_lease_is_done_by_the_next_reader(things, truth, clock, queue):
    # Given a stale entry whose refresh waits in a queue without a worker
    truth.rows[1] = b"old"
    fetch(things, 1)
    truth.rows[1] = b"new"
    clock.advance(61)
    assert [fetch(things, 1).state for _ in range(3)] == [State.STALE] * 3
    assert len(queue.messages()) == 1

    # When its lease is over
    client("cache").delete(KEYS.lease(1))
    clock.advance(5)

    # Then a reader refreshes, and no other message is sent
    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert fetch(things, 1)[:2] == (b"new", State.HIT)
    assert worker_health.seems_absent()
    assert len(queue.messages()) == 1

    # And the message, if it is run later, changes nothing
    truth.rows[1] = b"newer"
    queue.run()
    assert fetch(things, 1)[:2] == (b"new", State.HIT)


def test_one_of_many_readers_of_a_stale_entry_requests_its_lease(things, truth, clock, queue, redis_commands):
    truth.rows[1] = b"old"
    fetch(things, 1)
    clock.advance(61)
    fetch(things, 1)

    with redis_commands() as trips:
        fetch(things, 1)
        clock.advance(0.2)
        fetch_many(things, [1])
    assert trips == [["MGET"], ["MGET"]]

    # And after a while another one requests it again
    clock.advance(0.1)
    with redis_commands() as trips:
        fetch(things, 1)
    assert trips == [["MGET"], ["EVALSHA"]]
