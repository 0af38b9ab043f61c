"""Law 4: invalidations made while Redis was away, or by a process that died, are replayed before the next read."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from caching.entries.journal import EARLY_SECONDS, PATIENCE_SECONDS, TRUST_SECONDS, Journal
from caching.errors import StoreUnavailable
from caching.models import Invalidation
from caching.readthrough.fetch import State, fetch
from caching.readthrough.invalidation import clear, invalidate
from tests.deploy.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)


class Seconds:
    """A clock that stands still until the test advances it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def checking(monkeypatch, seconds) -> Journal:
    """The journal of a process that has just started, which every read checks."""
    journal = Journal(seconds)
    monkeypatch.setattr("caching.entries.store.journal", journal)
    return journal


def test_an_invalidation_costs_its_transaction_one_insert_and_one_delete(things, truth):
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        invalidate(things, [1, 2, 3])
    about = [query["sql"].split()[0] for query in queries if "caching_invalidation" in query["sql"]]
    assert about == ["INSERT", "DELETE"]


def test_a_hit_asks_the_database_once_a_second_and_never_on_its_own_connection(
    things, truth, checking, seconds, monkeypatch, django_assert_num_queries
):
    checks, read = [], checking.records
    monkeypatch.setattr(checking, "records", lambda after: checks.append(after) or read(after))
    truth.rows[1] = b"{}"
    fetch(things, 1)
    assert len(checks) == 1
    with django_assert_num_queries(0):
        seconds.now += TRUST_SECONDS - EARLY_SECONDS - 0.01
        assert fetch(things, 1).state is State.HIT
        assert len(checks) == 1
        seconds.now += EARLY_SECONDS + 0.02
        assert [fetch(things, 1).state for _ in range(2)] == [State.HIT] * 2
    assert len(checks) == 2


def test_under_load_a_check_begins_early_and_no_reader_waits_for_it(checking, seconds, monkeypatch):
    # Given a check that is slow
    checking.ensure_checked()
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(checking, "records", lambda after: begun.set() or (go_on.wait(5) and []))

    # When the trust of the last one has not ended, but soon will
    seconds.now += TRUST_SECONDS - EARLY_SECONDS
    checking.ensure_checked()
    checking.ensure_checked()

    # Then one check is running, and no reader waited for it
    assert begun.wait(1)
    go_on.set()


def test_a_record_lives_from_the_write_to_the_erasure_and_no_rollback_leaves_one(things, truth):
    with transaction.atomic():
        invalidate(things, [1])
        assert Invalidation.objects.get().ids == [1]
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
            invalidate(things, [2])
            assert Invalidation.objects.count() == 2
            _ = 1 / 0
        assert Invalidation.objects.count() == 1
    assert not Invalidation.objects.exists()

    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        invalidate(things, [1])
        _ = 1 / 0
    assert not Invalidation.objects.exists()


def test_what_a_dead_writer_recorded_is_erased_by_the_next_check_and_deleted(things, truth, checking, seconds):
    truth.rows[1] = b"old"
    fetch(things, 1)
    truth.rows[1] = b"new"
    checking.record("things", [1])
    checking.record("nobody_registered_this", [7])

    seconds.now += TRUST_SECONDS

    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert not Invalidation.objects.exists()


def test_inside_a_transaction_it_is_erased_and_its_record_deleted_even_after_a_rollback(things, truth, checking):
    """A check has a connection of its own, so no rollback brings the record back, and no lock of it blocks others."""
    truth.rows[1] = b"old"
    tokens = things.store.lease([1])
    things.store.fill({1: b"old"}, tokens, things.store.clock(), 0)
    checking.record("things", [1])
    truth.rows[1] = b"new"
    with transaction.atomic():
        assert fetch(things, 1).body == b"new"
        transaction.set_rollback(True)
    assert not Invalidation.objects.exists()


def test_readers_wait_for_a_slow_check(things, truth, checking, monkeypatch):
    """PostgreSQL is slow right after an outage of Redis, when it has answered all reads."""
    truth.rows[1] = b"old"
    things.store.fill({1: b"old"}, things.store.lease([1]), things.store.clock(), 0)
    checking.record("things", [1])
    truth.rows[1] = b"new"
    read = checking.records
    monkeypatch.setattr(checking, "records", lambda after: time.sleep(0.4) or read(after))

    assert fetch(things, 1).body == b"new"


def test_while_postgresql_hangs_readers_wait_once_and_then_get_what_redis_has(things, truth, monkeypatch):
    journal = Journal()
    monkeypatch.setattr("caching.entries.store.journal", journal)
    truth.rows[1] = b"{}"
    fetch(things, 1)
    go_on = threading.Event()
    monkeypatch.setattr(journal, "records", lambda after: go_on.wait(10) and [])
    journal.trust(0)

    began = time.monotonic()
    assert fetch(things, 1).state is State.HIT
    waited = time.monotonic() - began
    journal.trust(0)
    assert fetch(things, 1).state is State.HIT
    assert PATIENCE_SECONDS * 0.9 < waited < PATIENCE_SECONDS + 1
    assert time.monotonic() - began - waited < 0.5
    go_on.set()


def test_inside_a_transaction_any_number_of_records_is_replayed(things, truth, checking):
    tokens = things.store.lease([1])
    things.store.fill({1: b"old"}, tokens, things.store.clock(), 0)
    Invalidation.objects.bulk_create(Invalidation(namespace="others", ids=[n]) for n in range(300))
    checking.record("things", [1])
    truth.rows[1] = b"new"
    with transaction.atomic():
        assert fetch(things, 1).body == b"new"


def test_records_that_cannot_be_deleted_are_replayed_and_do_not_hold_the_reader_for_ever(
    things, checking, seconds, monkeypatch
):
    erased = []

    def erase(namespace: str, ids: list[int]) -> None:
        erased.append(ids)
        assert len(erased) < 10, "for ever"

    monkeypatch.setattr("caching.entries.journal.erase", erase)
    checking.record("things", [1])
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        checking.ensure_checked()
        assert erased == [[1]]
        checking.ensure_checked()
        assert erased == [[1]]
    finally:
        connection.close()


def test_a_record_does_not_count_as_replayed_while_redis_is_away(things, checking, reroute):
    checking.record("things", [1])
    reroute(free_port())
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            things.store.read([1])
    assert Invalidation.objects.count() == 1


def test_without_postgresql_hits_are_served(things, truth, checking, seconds, monkeypatch):
    truth.rows[1] = b"{}"
    fetch(things, 1)
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", free_port())
        connection.close()
        seconds.now += 2 * TRUST_SECONDS
        assert fetch(things, 1).state is State.HIT
    connection.close()


def test_a_database_that_is_slow_to_fail_is_not_asked_again_within_the_second(checking, seconds, monkeypatch):
    asked = []

    def hang(*_):
        asked.append(seconds.now)
        seconds.now += 5
        raise OperationalError("timeout")

    monkeypatch.setattr(Journal, "records", hang)
    checking.ensure_checked()
    before = len(asked)
    checking.ensure_checked()
    assert len(asked) == before


def test_after_a_cut_connection_the_journal_is_checked_again(things, truth, checking, seconds):
    """PostgreSQL is up, only this process' connection was cut: that is no reason to trust Redis."""
    truth.rows[1] = b"old"
    fetch(things, 1)
    truth.rows[1] = b"new"
    checking.record("things", [1])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    killer = connections.create_connection("default")
    try:
        with killer.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        killer.close()

    seconds.now += TRUST_SECONDS
    try:
        assert fetch(things, 1).body == b"new"
    finally:
        connection.close()


def test_invalidations_of_one_commit_wait_once_for_the_trust_of_others_to_end(things, reroute):
    reroute(free_port())
    began = time.monotonic()
    with transaction.atomic():
        invalidate(things, [1])
        invalidate(things, [2])
        clear("things")
    assert TRUST_SECONDS <= time.monotonic() - began < 1.8 * TRUST_SECONDS
    assert list(Invalidation.objects.order_by("pk").values_list("ids", flat=True)) == [[1], [2], None]


@pytest.mark.parametrize("erasing", [lambda things: invalidate(things, [1]), lambda things: clear("things")])
def test_outside_a_transaction_an_erasure_that_failed_is_kept_too(
    things, truth, checking, seconds, proxy, reroute, erasing
):
    # Given an entry, and a Redis that goes away
    pool = reroute(proxy.port)
    truth.rows[1] = b"old"
    fetch(things, 1)
    proxy.refuse()

    # When it is invalidated, and Redis comes back
    truth.rows[1] = b"new"
    erasing(things)
    assert Invalidation.objects.count() == 1
    proxy.thaw()
    deadline = time.monotonic() + 10
    while pool.breaker.is_open and time.monotonic() < deadline:
        time.sleep(0.02)

    # Then the old entry, which Redis still has, is not answered
    seconds.now += TRUST_SECONDS
    assert fetch(things, 1)[:2] == (b"new", State.MISS)
    assert fetch(things, 1).state is State.HIT
    assert not Invalidation.objects.exists()
