"""The spill: PostgreSQL accepts what Redis certainly did not count, up to a limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection

from caching import metrics
from caching.counters import spill
from caching.models import CounterSpill
from tests.factories import CounterSpillFactory

pytestmark = pytest.mark.django_db(transaction=True)


def refused(reason: str) -> float:
    return metrics.INCREMENTS_REFUSED.labels("clicks", reason)._value.get()


def rows() -> list[tuple[int, int]]:
    """Return (id, amount) of each row."""
    return list(CounterSpill.objects.filter(family="clicks").order_by("id").values_list("counter", "amount"))


@pytest.fixture
def now(monkeypatch) -> list[float]:
    times = [100.0]
    monkeypatch.setattr(spill.time, "monotonic", lambda: times[0])
    spill.log.start_afresh()
    return times


def test_an_increment_is_accepted_by_one_statement(django_assert_num_queries):
    before = metrics.SPILLED.labels("clicks")._value.get()

    with django_assert_num_queries(1):
        assert spill.accept("clicks", 5, 3)

    assert rows() == [(5, 3)]
    assert metrics.SPILLED.labels("clicks")._value.get() == before + 3


def test_one_that_may_have_been_counted_is_refused(django_assert_num_queries):
    before = refused("unknown")

    with django_assert_num_queries(0):
        assert not spill.accept("clicks", 5, 3, unknown=True)

    assert rows() == []
    assert refused("unknown") == before + 3


def test_a_full_spill_refuses_until_it_is_merged(settings):
    settings.CACHING = {**settings.CACHING, "SPILL_ROWS": 3}
    before = refused("full")

    # Rows of other families do not count.
    assert spill.accept("others", 1, 1)
    assert [spill.accept("clicks", id, 1) for id in range(5)] == [True, True, True, False, False]
    assert refused("full") == before + 2
    # An id that has a row needs no new one.
    assert spill.accept("clicks", 1, 1)

    CounterSpill.objects.filter(family="clicks").order_by("id").first().delete()
    assert spill.accept("clicks", 4, 1)


def test_without_postgresql_it_refuses_and_raises_nothing():
    before = refused("database")

    def away(*_: object) -> None:
        raise DatabaseError("gone")

    with connection.execute_wrapper(away):
        assert not spill.accept("clicks", 5, 1)

    assert refused("database") == before + 1


def test_the_limit_costs_two_index_look_ups_however_full_the_spill_is():
    CounterSpill.objects.bulk_create(CounterSpillFactory.build(family="clicks", counter=n) for n in range(20_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE caching_counterspill")
        cursor.execute(f"EXPLAIN {spill._ACCEPT}", {"family": "clicks", "id": 1, "amount": 1, "rows": 10**6})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    # The oldest and the newest id.
    assert plan.count("Limit") == 2, plan
    assert "counter_spill_once" in plan
    assert "Seq Scan" not in plan


def test_a_query_for_totals_counts_the_spill_in():
    for _ in range(2):
        spill.accept("clicks", 5, 2)
    spill.accept("others", 5, 100)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {spill.SPILLED.format(id='n')} FROM unnest(ARRAY[5, 6]) AS n", ["clicks"])
        assert cursor.fetchall() == [(4,), (0,)]


def test_views_of_one_id_gather_in_a_row(django_assert_num_queries):
    with django_assert_num_queries(100):
        assert all(spill.accept("clicks", 5, 1) for _ in range(100))
    assert rows() == [(5, 100)]


def test_many_at_once_are_all_accepted():
    def take(_: int) -> bool:
        try:
            return all(spill.accept("clicks", 5, 1) for _ in range(20))
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        assert all(threads.map(take, range(12)))

    assert sum(amount for _, amount in rows()) == 240
    assert len(rows()) <= 8


def test_every_refusal_is_counted_by_its_reason(now):
    before = metrics.INCREMENTS_REFUSED.labels("clicks", "full")._value.get()
    spill.refuse("clicks", 2, "full")
    spill.refuse("clicks", 3, "full")
    assert metrics.INCREMENTS_REFUSED.labels("clicks", "full")._value.get() == before + 5


def test_the_first_is_logged_at_once_and_the_others_once_a_second(now, caplog):
    for _ in range(1000):
        spill.refuse("clicks", 1, "full")
    now[0] += 1.0
    spill.refuse("clicks", 1, "database")

    assert [record.getMessage() for record in caplog.records] == [
        "1 increments were refused since the last such line, one of clicks now: full",
        "1000 increments were refused since the last such line, one of clicks now: database",
    ]
