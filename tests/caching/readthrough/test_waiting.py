"""Law 3 (single flight): a reader that finds a load of another waits until it is woken, and never for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection

from caching.keys import KeySpace
from caching.readthrough.fetch import Found, State, fetch
from caching.readthrough.invalidation import invalidate
from caching.readthrough.resource import Resource
from caching.readthrough.waiting import Turn, lease_or_wait
from caching.redis.connections import client
from tests.deploy.services import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")
# How long a busy machine may take to run a thread that was woken.
AIR_SECONDS = 0.15


@pytest.fixture
def patient(things: Resource) -> Resource:
    """Things for which a reader waits up to three seconds."""
    object.__setattr__(things.policy, "wait", 3.0)
    return things


@contextmanager
def waiting(source: Resource, readers: int = 1) -> Iterator[list[tuple[Found, float]]]:
    """Start readers that wait for a lease; yield a list that gets what each found, and when."""
    found: list[tuple[Found, float]] = []

    def read() -> None:
        try:
            found.append((fetch(source, 1), time.monotonic()))
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    wait_until(lambda: int(client("cache").get(KEYS.waiters(1)) or 0) >= readers)
    yield found
    for thread in threads:
        thread.join()


def test_a_fill_wakes_all_waiting_readers(patient, truth):
    tokens = patient.store.lease([1])
    with waiting(patient, readers=5) as found:
        time.sleep(0.25)
        filled = time.monotonic()
        patient.store.fill({1: b"theirs"}, tokens, patient.store.clock(), 0)

    slowest = max(when for _, when in found) - filled
    print(f"the slowest of five was answered {slowest * 1000:.0f} ms after the fill")
    assert [answer.body for answer, _ in found] == [b"theirs"] * 5
    assert truth.loads == []
    assert slowest < AIR_SECONDS


@pytest.mark.parametrize("ending", ["a failed load", "a lease given back", "a refused fill", "an invalidation"])
def test_after_any_end_of_a_lease_exactly_one_waiting_reader_loads(patient, truth, ending):
    truth.rows[1] = b"mine"
    truth.during_load = lambda: time.sleep(0.1)
    tokens = patient.store.lease([1])
    with waiting(patient, readers=4) as found:
        ended = time.monotonic()
        if ending == "a failed load":
            patient.store.release(tokens, backoff_ms=0)
        elif ending == "a lease given back":
            patient.store.release(tokens)
        else:
            invalidate(patient, [1])
            if ending == "a refused fill":
                patient.store.fill({1: b"old"}, tokens, patient.store.clock(), 0)

    # An invalidation wakes no reader: they poll every 200 ms.
    poll = 0.3 if ending == "an invalidation" else 0.0
    assert [answer.body for answer, _ in found] == [b"mine"] * 4
    assert truth.loads == [[1]]
    assert max(when for _, when in found) - ended < 0.1 + AIR_SECONDS + poll


def test_a_backoff_ends_the_wait(patient, truth):
    tokens = patient.store.lease([1])
    turns: list[Turn] = []
    waiter = threading.Thread(target=lambda: turns.append(lease_or_wait(patient, 1, patient.store.read([1]))))
    waiter.start()
    wait_until(lambda: client("cache").exists(KEYS.waiters(1)) == 1)
    patient.store.release(tokens, backoff_ms=2000)
    waiter.join()
    ((leases, entry, _),) = turns
    assert (dict(leases), entry) == ({}, None)
    assert 1000 < leases.backed_off[1] <= 2000


def test_the_wait_is_bounded_by_the_policy(things, truth):
    truth.rows[1] = b"{}"
    object.__setattr__(things.policy, "wait", 0.35)
    things.store.lease([1])

    began = time.monotonic()
    assert fetch(things, 1)[:2] == (b"{}", State.MISS)

    # Redis checks ten times a second whether a block has timed out.
    assert 0.3 < time.monotonic() - began < 0.35 + 0.1 + AIR_SECONDS
    assert client("cache").get(KEYS.entry(1)) is None


def test_a_wait_of_a_millisecond_is_one(things):
    """Redis 6.2 treats 0.001 s as no timeout, so the socket's timeout ended the call and opened the breaker."""
    for ms in (1, 2, 3):
        began = time.monotonic()
        things.store.wait(1, ms)
        assert time.monotonic() - began < 0.2


def test_the_keys_of_waiting_and_waking_have_a_ttl(patient):
    """Law 8."""
    tokens = patient.store.lease([1])
    for _ in range(5):
        assert not patient.store.lease([1], wait_ms=3000)
    assert 0 < client("cache").pttl(KEYS.waiters(1)) <= 3000
    assert client("cache").get(KEYS.waiters(1)) == b"5"

    patient.store.fill({1: b"{}"}, tokens, patient.store.clock(), 0)

    assert client("cache").exists(KEYS.waiters(1)) == 0
    assert client("cache").llen(KEYS.wake(1)) == 5
    assert 0 < client("cache").pttl(KEYS.wake(1)) <= 1000


def test_the_list_that_wakes_after_a_failure_has_a_ttl(patient):
    """Law 8."""
    tokens = patient.store.lease([1])
    assert not patient.store.lease([1], wait_ms=3000)

    patient.store.release(tokens, backoff_ms=500)

    assert 0 < client("cache").pttl(KEYS.wake(1)) <= 1000


def test_any_number_of_waiters_leaves_a_short_list(patient):
    tokens = patient.store.lease([1])
    client("cache").set(KEYS.waiters(1), 5_000_000, px=3000)
    patient.store.fill({1: b"{}"}, tokens, patient.store.clock(), 0)
    assert client("cache").llen(KEYS.wake(1)) == 1000


def test_a_caller_that_does_not_wait_is_not_counted(things):
    things.store.lease([1])
    things.store.lease([1], background=[1])
    things.store.lease([1])
    assert client("cache").exists(KEYS.waiters(1)) == 0


def test_eight_readers_of_a_slow_cold_key_are_answered_right_after_its_one_load(patient, truth):
    truth.rows[1] = b"{}"
    truth.during_load = lambda: time.sleep(0.3)

    def read(_: int) -> tuple[Found, float]:
        try:
            return fetch(patient, 1), time.monotonic()
        finally:
            connection.close()

    began = time.monotonic()
    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(read, range(8)))

    slowest = max(when for _, when in found) - began
    print(f"a load of 300 ms, the slowest of eight after {slowest * 1000:.0f} ms")
    assert truth.loads == [[1]]
    assert {answer.body for answer, _ in found} == {b"{}"}
    assert slowest < 0.3 + AIR_SECONDS


def test_a_reader_that_read_just_before_a_fill_takes_its_entry_and_loads_nothing(patient, truth):
    truth.rows[1] = b"{}"
    seen = patient.store.read([1])
    fetch(patient, 1)

    turn = lease_or_wait(patient, 1, seen)

    assert (dict(turn.leases), turn.entry and turn.entry.body) == ({}, b"{}")
    assert client("cache").exists(KEYS.lease(1)) == 0


def test_a_reader_that_found_an_unusable_entry_gets_the_lease(patient, truth):
    truth.rows[1] = b"{}"
    client("cache").set(KEYS.entry(1), b"rubbish", ex=60)
    assert lease_or_wait(patient, 1, patient.store.read([1])).leases.keys() == {1}


def test_a_key_of_another_type_under_the_name_of_a_lease_is_replaced(patient):
    """Law 5."""
    client("cache").hset(KEYS.lease(1), "of another", "type")
    tokens = patient.store.lease([1])
    patient.store.fill({1: b"{}"}, tokens, patient.store.clock(), 0)
    assert patient.store.read([1]).entries[1].body == b"{}"
