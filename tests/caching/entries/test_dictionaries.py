from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError

from caching.entries import dictionaries
from caching.entries.dictionaries import POLL_SECONDS, UNKNOWN_SECONDS, Registry
from caching.models import Dictionary
from tests.caching.packing import data

pytestmark = pytest.mark.django_db(transaction=True)


class Seconds:
    """A monotonic clock that stands still until the test advances it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def registry(seconds):
    return Registry(seconds)


def keep(namespace="things", size=2048):
    return dictionaries.keep(namespace, data(size), 400, 10_000, 3_000)


@pytest.fixture
def postgres_away():
    """Return a context in which every query fails as it does when PostgreSQL is gone."""

    def fail(*args):
        raise OperationalError("the server closed the connection unexpectedly")

    return lambda: connection.execute_wrapper(fail)


def test_the_newest_of_a_namespace_is_current_and_the_older_ones_stay_readable(registry):
    old = keep(size=1024)
    new = keep(size=2048)
    keep("others")
    assert registry.current("things").number == new.number
    assert registry.current("nothing") is None
    assert registry.by_number(old.number).number == old.number


def test_a_process_polls_once_a_minute(registry, seconds, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert registry.current("things") is None
        assert registry.current("others") is None
    stored = keep()
    seconds.now += POLL_SECONDS - 1
    with django_assert_num_queries(0):
        assert registry.current("things") is None
    seconds.now += 1
    with django_assert_num_queries(2):
        assert registry.current("things").number == stored.number
    seconds.now += POLL_SECONDS
    with django_assert_num_queries(1):
        assert registry.current("things").number == stored.number


def test_a_process_that_stored_one_polls_at_its_next_fill(registry, seconds):
    registry.current("things")
    keep()
    registry.poll_soon()
    assert registry.current("things") is not None


def test_an_unknown_number_is_queried_once_and_again_after_a_while(registry, seconds, django_assert_num_queries):
    number = dictionaries.number_of("things", data())
    with django_assert_num_queries(1):
        assert registry.by_number(number) is None
        assert registry.by_number(number) is None
    keep()
    seconds.now += UNKNOWN_SECONDS
    with django_assert_num_queries(1):
        assert registry.by_number(number).number == number
        assert registry.by_number(number).number == number


def test_nothing_is_queried_inside_a_transaction(registry, django_assert_num_queries):
    stored = keep()
    with transaction.atomic(), django_assert_num_queries(0):
        assert registry.current("things") is None
        assert registry.by_number(stored.number) is None
    # And what was not queried is not remembered as missing
    assert registry.by_number(stored.number) is not None
    assert registry.current("things") is not None


def test_nothing_is_queried_in_the_thread_of_an_event_loop(registry):
    stored = keep()

    async def in_the_loop():
        return registry.by_number(stored.number), registry.current("things")

    assert asyncio.run(in_the_loop()) == (None, None)
    assert registry.by_number(stored.number) is not None


def test_while_postgresql_is_away_known_dictionaries_are_used(registry, seconds, postgres_away):
    stored = keep()
    assert registry.current("things").number == stored.number
    seconds.now += POLL_SECONDS
    with postgres_away():
        assert registry.current("things").number == stored.number
        assert registry.by_number(stored.number).number == stored.number


def test_while_postgresql_is_away_an_unknown_number_is_a_miss_and_costs_one_query(
    registry, seconds, postgres_away, django_assert_num_queries
):
    stored = keep()
    with postgres_away():
        assert [registry.by_number(number) for number in (stored.number, 1, 2, 3)] == [None] * 4
    with django_assert_num_queries(0):
        assert registry.by_number(stored.number) is None
    seconds.now += dictionaries.AWAY_SECONDS
    assert registry.by_number(stored.number) is not None


def test_a_dictionary_damaged_in_postgresql_is_as_if_it_did_not_exist(registry):
    stored = keep()
    Dictionary.objects.update(data=data()[:-1] + b"x")
    assert registry.current("things") is None
    assert registry.by_number(stored.number) is None


def test_a_namespace_keeps_its_dictionary_while_the_newer_one_cannot_be_used(registry, seconds):
    good = keep(size=1024)
    registry.current("things")
    bad = keep()
    Dictionary.objects.filter(pk=bad.pk).update(data=b"rubbish")
    seconds.now += POLL_SECONDS
    assert registry.current("things").number == good.number


def test_many_threads_make_one_query(registry):
    number, found, queries = keep().number, [], []

    def count(execute, *args):
        queries.append(args[0])
        return execute(*args)

    def ask():
        with connection.execute_wrapper(count):
            found.append(registry.by_number(number))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {dictionary.number for dictionary in found} == {number}
    assert len(queries) == 1


def test_the_same_data_is_another_number_in_another_namespace_and_the_same_in_its_own():
    assert keep("things").number != keep("others").number
    newer = keep("things", size=1024)
    assert keep("things").number != newer.number
    # Training that ends in the same data makes it the current one again
    assert Dictionary.objects.filter(namespace="things").latest("created_at").data == data()
    assert Dictionary.objects.count() == 3


def test_a_number_that_means_other_data_is_refused():
    Dictionary.objects.filter(pk=keep().pk).update(namespace="others")
    with pytest.raises(ValueError, match="same number"):
        keep()
