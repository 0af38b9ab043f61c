"""Ten thousand random schedules of an extension and the job: an extension answered 200 is always honoured.

An extension has two steps: its commit, then its index entry. A process may die between them, and a faulty one may write
the index first and then roll back. Each step happens at a boundary of the job: before or after one of its calls to
Redis or one of its statements, each a transaction of its own.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from redis import Redis
from redis.client import Pipeline

from caching.deadlines import Deadline
from caching.redis.connection_pool import Pool
from offers import sweep
from offers.clock import database_now
from offers.deadlines import extend_offer_expiration, offer_deadlines
from offers.errors import OfferExpired
from offers.expiration import process_expired_offers
from offers.lifecycle import state_machine, transitions
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent
from tests.database_clock import database_clock
from tests.factories import ProductFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

RUNS, OFFERS = 100, 100
BATCH = 40
# The job has at most this many boundaries with this number of offers.
BOUNDARIES = 40
MINUTE = timedelta(minutes=1)


@dataclass
class Case:
    """One offer of a schedule: the steps of its extension by boundary, its end at the start, and the end that an
    extension promised, None if none did."""

    offer: Offer
    steps: dict[int, str]
    end: datetime
    promised: datetime | None = None


def steps_of(dice: random.Random) -> dict[int, str]:
    """Return steps by boundary: a whole extension, or one of the ways in which it fails."""
    first, second = sorted(dice.sample(range(BOUNDARIES), 2))
    return dice.choice(
        [
            {first: "extend"},
            {first: "commit", second: "index"},
            {first: "commit"},
            {first: "index", second: "roll back"},
            {first: "index", second: "extend"},
            {first: "extend", second: "extend"},
        ]
    )


def take(step: str, case: Case) -> None:
    """Do one step of an extension by an hour, as its process would."""
    end = (case.promised or case.end) + 60 * MINUTE
    buyer = Actor(Role.BUYER, case.offer.buyer)
    if step == "extend":
        try:
            case.promised = transitions.extend(case.offer.pk, buyer, Lifetime(expires_at=end)).expires_at
        except OfferExpired:
            assert case.promised is None
    elif step == "commit":
        if state_machine.extend(case.offer.pk, end, buyer):
            case.promised = end
    elif step == "index":
        extend_offer_expiration(case.offer.pk, end)


@contextmanager
def interrupted(reach: Callable[[], None]) -> Iterator[None]:
    """Call `reach` before and after each call to Redis and each statement in the block, but not in `reach` itself."""
    busy = False

    def step() -> None:
        nonlocal busy
        if not busy and not connection.in_atomic_block:
            busy = True
            try:
                reach()
            finally:
                busy = False

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*args: Any, **kwargs: Any) -> Any:
            step()
            answer = call(*args, **kwargs)
            step()
            return answer

        return watching

    def statement(execute: Callable[..., Any], *args: Any) -> Any:
        return watched(execute)(*args)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(statement):
        for owner, name in ((Pool, "_exchange"), (Pipeline, "execute"), (Redis, "execute_command")):
            patch.setattr(owner, name, watched(getattr(owner, name)))
        yield


def make_cases(dice: random.Random, product: Any, buyers: list[Any], now: datetime) -> list[Case]:
    """Make offers that end just before or after `now`, with index entries that are right, missing or wrong."""
    rows = []
    for buyer in buyers:
        end = now + dice.randint(-5, 5) * timedelta(milliseconds=1)
        offer = Offer(product=product, buyer=buyer, seller=product.seller, amount=5, currency="EUR")
        offer.created_at, offer.expires_at = end - 60 * MINUTE, end
        rows.append(offer)
    offers = Offer.objects.bulk_create(rows)
    wrong = [timedelta(0), timedelta(0), -60 * MINUTE, 60 * MINUTE, None]
    shifts = {offer.pk: dice.choice(wrong) for offer in offers}
    offer_deadlines.schedule_many(
        Deadline(offer.expires_at + shift, offer.pk) for offer in offers if (shift := shifts[offer.pk]) is not None
    )
    return [Case(offer, steps_of(dice), offer.expires_at) for offer in offers]


def test_no_schedule_expires_an_offer_early_or_breaks_a_promise(monkeypatch) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice, met = random.Random(seed), Counter[str]()
    monkeypatch.setattr(sweep, "_BATCH", BATCH)
    product, buyers = ProductFactory(), UserFactory.create_batch(OFFERS)
    with database_clock() as clock:
        for _ in range(RUNS):
            # Given offers around their end, and a plan of steps at boundaries of the job
            cases = make_cases(dice, product, buyers, database_now())
            plan: dict[int, list[tuple[str, Case]]] = defaultdict(list)
            for case in cases:
                for at, step in case.steps.items():
                    plan[at].append((step, case))
            reached = 0

            def reach(plan: dict[int, list[tuple[str, Case]]] = plan) -> None:
                nonlocal reached
                for step, case in plan.pop(reached, ()):
                    take(step, case)
                    met[step] += 1
                if dice.random() < 0.3:
                    clock.advance(timedelta(milliseconds=1))
                reached += 1

            # When the job runs through it
            with interrupted(reach):
                process_expired_offers()

            # Then no offer expired early, and every promise is kept, also after the next run
            check(cases)
            process_expired_offers()
            check(cases)
            met["promised"] += sum(case.promised is not None for case in cases)
            met["expired"] += Offer.objects.filter(status="expired").count()
            OfferEvent.objects.all().delete()
            Offer.objects.all().delete()
    print(met)
    # And each kind of step happened many times.
    assert min(met["promised"], met["expired"], met["extend"], met["commit"], met["index"]) > RUNS


def check(cases: list[Case]) -> None:
    now = database_now()
    rows = Offer.objects.in_bulk([case.offer.pk for case in cases])
    for case in cases:
        row = rows[case.offer.pk]
        assert row.expires_at == (case.promised or case.end)
        if case.promised is not None:
            assert row.status == "active", case
        elif row.status == "expired":
            assert row.closed_at == row.expires_at <= now, case
    recorded = Counter(OfferEvent.objects.filter(kind="expired").values_list("offer", flat=True))
    assert recorded == Counter(id for id, row in rows.items() if row.status == "expired")
