"""The benchmark of offers: its comparisons, times and counts, and as a whole with tiny numbers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from benchmarks import offers
from benchmarks.expiring import expired, index, marks
from benchmarks.expiring.answers import Answer, largest_ms
from benchmarks.expiring.late import by_beat, by_order
from benchmarks.expiring.market import Ends, make_market
from benchmarks.expiring.transactions import Transactions
from benchmarks.harness.pause import Pause
from caching.deadlines import Deadline
from offers.clock import database_now
from offers.deadlines import offer_deadlines
from offers.expiration import process_expired_offers
from offers.models import Offer, OfferEvent
from tests.factories import OfferEventFactory, OfferFactory

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.offers import Scale, measure
    scale = Scale(
        offers=3000, due=1500, buyers=60, few=50, rounds=2, indexes=(200, 3000), claims=3, ends=20, beats=0,
        orders=(0.4, 4), asked=20, turn_seconds=0.05, alone_seconds=0.2,
    )
    print(json.dumps([asdict(row) for row in measure(scale)]))
"""
PAUSED = """
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.harness.child import child
    with child("expiring", "expire") as process:
        process.order("now")
        process.ask()
        print(process.has_stopped() and not process.has_answered(), flush=True)
        process.thaw()
        print(process.answer()["took"]["longest"] < 60, process.has_answered())
"""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_everything_is_measured_and_each_due_offer_expires_once(process_env: dict[str, str]) -> None:
    # When it runs with tiny numbers
    done = subprocess.run(
        [sys.executable, "-c", SMALL], cwd=ROOT, env=process_env, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    # Then every row has its own name, and was measured
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    rows: dict[str, dict[str, Any]] = {row["name"]: row for row in found}
    assert len(rows) == len(found)
    assert {name.partition(":")[0] for name in rows} == {
        "claim of 50 from 200 members",
        "claim of 50 from 3,000 members",
        "claim of 50",
        "around their ends",
        "mark of expiry, 1.6 s observed",
        "rebuild of 3,000 deadlines",
        "1,500 due among 3,000",
        "50 due offers",
    }
    ratios = {name: row["ratio"] for name, row in rows.items() if row["ratio"] is not None}
    assert {name: ratio for name, ratio in ratios.items() if not (math.isfinite(ratio) and ratio > 0)} == {}
    # And what does not depend on time is exact
    exact = {name: row for name, row in rows.items() if row["reach"] in ("0", "0 ms")}
    assert len(exact) == 7
    assert {name: row["beside"] for name, row in exact.items() if row["measured"] != 0 or not row["holds"]} == {}
    assert [name for name, row in rows.items() if row["measured"] <= 0 and name not in exact] == []


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_process_stops_itself_when_it_is_asked_to(process_env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PAUSED], cwd=ROOT, env=process_env, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["True", "True False"], done.stderr


@pytest.mark.parametrize(
    ("before", "after", "alive", "closed", "contradicts", "late_ms"),
    [
        (-2, 1, True, None, False, 0),
        (0, 1, True, None, True, 0),
        (3, 4, True, None, True, 3),
        (-2, -1, False, None, True, 0),
        (-2, 0, False, None, False, 0),
        (-2, 1, True, -1, False, 0),
        (-2, 1, True, 0, True, 0),
        (-2, 2, True, 1, True, 1),
    ],
)
def test_an_answer_is_judged_by_the_databases_clock(
    before: int, after: int, alive: bool, closed: int | None, contradicts: bool, late_ms: float
) -> None:
    at = {ms: NOON + timedelta(milliseconds=ms) for ms in range(-2, 5)}
    answer = Answer(NOON, at[before], at[after], alive, None if closed is None else at[closed])
    assert (answer.contradicts, largest_ms([answer])) == (contradicts, late_ms)


def test_a_mark_may_be_a_second_later_than_the_next_run() -> None:
    assert (str(by_beat(2).reach), by_beat(2).seconds) == ("< 61 s", 130)
    assert (str(by_order(2, 4).reach), by_order(2, 4).seconds) == ("< 3 s", 8)


@pytest.mark.django_db(transaction=True)
def test_offers_are_made_as_they_are_asked_for() -> None:
    # When every buyer makes an offer on every product, and some of them are due
    market = make_market(buyers=10, products=8)
    products, start = market.take(7), database_now() + timedelta(days=1)
    ends = Ends(70, start, timedelta(minutes=1), due=20, due_over=timedelta(seconds=4))
    market.many(products, ends)
    # Then all pairs are there: the due ones ended one after the other, and the others end in even steps
    assert set(Offer.objects.values_list("product", "buyer")) == {(p, b) for p in products for b in market.buyers}
    assert Offer.objects.filter(expires_at__range=ends.due_span).values("expires_at").distinct().count() == 20
    later = [start + minute * timedelta(minutes=1) for minute in range(50)]
    assert [
        *Offer.objects.filter(expires_at__gte=start).order_by("expires_at").values_list("expires_at", flat=True)
    ] == later
    assert OfferEvent.objects.filter(kind="made").count() == 70
    # And none is on the product that is left
    assert market.take(1)[0] not in products


@pytest.mark.django_db(transaction=True)
def test_what_did_not_expire_once_is_found() -> None:
    # Given offers that fell due, one with two events of its expiry and one with none
    market = make_market(buyers=4, products=2)
    ends = Ends(4, database_now(), timedelta(0), due=3)
    made = market.offers(market.take(1), Ends(4, database_now() + timedelta(days=1), timedelta(0), due=3))
    assert ends.due == 3
    due = [deadline.id for deadline in made if deadline.at < database_now()]
    span = min(made).at, database_now()
    before = expired.others(*span)
    assert expired.not_once(due) == expired.not_once_between(*span) == 3
    process_expired_offers()
    assert (expired.not_once(due), expired.not_once_between(*span), expired.others(*span)) == (0, 0, before)
    OfferEvent.objects.filter(offer=due[0], kind="expired").delete()
    OfferEventFactory(offer_id=due[1], expires_at=span[0], at=span[0])
    assert (expired.not_once(due), expired.not_once_between(*span)) == (2, 2)
    # When another one is touched
    Offer.objects.exclude(pk__in=due).update(amount=6)
    # Then that is found too
    assert expired.others(*span) != before


@pytest.mark.django_db(transaction=True)
def test_index_and_table_are_compared_entry_by_entry(redis_state: Any) -> None:
    kept, moved, missing = (OfferFactory() for _ in range(3))
    offer_deadlines.schedule_many(Deadline(offer.expires_at, offer.pk) for offer in (kept, moved, missing))
    assert index.differences() == 0
    redis_state.zadd(offer_deadlines.key(offer_deadlines.shard(moved.pk)), {str(moved.pk): 1})
    offer_deadlines.cancel([missing.pk])
    offer_deadlines.schedule(missing.pk + 1000, missing.expires_at)
    assert index.differences() == 3
    index.drop(offer_deadlines)
    assert (index.differences(), offer_deadlines.count()) == (3, 0)


@pytest.mark.django_db(transaction=True)
def test_marks_are_noted_whatever_becomes_of_their_events() -> None:
    # Given an offer that was marked and its event delivered, and one without a mark
    began = database_now() - timedelta(seconds=3)
    market = make_market(buyers=2, products=1)
    (at, marked), (unmarked, _) = market.offers(market.take(1), Ends(2, database_now(), timedelta(0), due=2))
    with marks.marks():
        OfferEventFactory(offer_id=marked, expires_at=at, at=at, due_at=at + timedelta(milliseconds=400))
        OfferEvent.objects.filter(kind="expired").update(due_at=None)
        # Then one counts by its mark, and the other by its age
        found = marks.lateness(began)
        assert (found.due, found.marked, found.early) == (2, 1, 0)
        assert found.seconds == pytest.approx((database_now() - unmarked).total_seconds(), abs=0.5)
        # When a mark came before the end
        OfferEvent.objects.filter(kind="expired").delete()
        OfferEventFactory(offer_id=marked, expires_at=at, at=at, due_at=at - timedelta(milliseconds=1))
        assert marks.lateness(began).early == 1
    # And nothing of it is left
    OfferEventFactory(offer_id=marked, expires_at=at, at=at)


@pytest.fixture
def sent() -> Iterator[Transactions]:
    watching = Transactions(Pause()).watch()
    yield watching
    connection.execute_wrappers.remove(watching)
    for name in ("commit", "rollback"):
        delattr(connections["default"], name)


@pytest.mark.django_db(transaction=True)
def test_each_transaction_is_timed_until_its_commit_is_answered(sent: Transactions) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.02)")
        assert (sent.took.count, sent.took.sql) == (1, "SELECT pg_sleep(0.02)")
        # A transaction of several statements, with a pause between them
        with transaction.atomic():
            cursor.execute("SELECT 1")
            time.sleep(0.05)
            with transaction.atomic():
                cursor.execute("SELECT 2")
        assert (sent.took.count, sent.took.sql) == (2, "SELECT 1")
        assert 0.05 <= sent.took.longest < 5
        # And one that fails
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("SELECT 1 / 0")
    assert sent.took.count == 3


def test_what_could_not_be_measured_is_no_success(redis_state: Any) -> None:
    def fail() -> list[Any]:
        return [*redis_state.execute_command("NONSENSE")]

    (row,) = offers.attempted("rebuild", fail)
    assert (row.name, row.holds) == ("rebuild", False)
    assert "NONSENSE" in row.beside
