"""Model-based tests: random orders of everything that can happen to offers, compared with a model of a few lines.

After every step each offer has the state of the model, whatever happened to the job, the index and the processes. An
action that was answered is never undone, and each expiry has exactly one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import DatabaseError, connection
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from caching.redis.connections import client, pool
from offers.clock import database_now
from offers.deadlines import offer_deadlines
from offers.expiration import process_expired_offers
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent
from offers.selectors import offers
from products.errors import Refusal
from products.models import Product
from tests.boundaries import Killed, at_boundary, dying_at
from tests.database_clock import database_clock
from tests.factories import ProductFactory, UserFactory
from tests.offers.offer_model import OfferModel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PRODUCTS, BUYERS = 3, 3
EXAMPLES, STEPS = 50, 4
MINUTE = timedelta(minutes=1)

# The number of an offer, or of a pair of product and buyer; and minutes or steps.
NUMBER, MINUTES = st.integers(0, 8), st.sampled_from([1, 2, 5, 60, 600])
ACTIONS = ["create", "create", "extend", "extend", "accept", "decline", "withdraw"]
EVENTS = st.one_of(
    st.tuples(st.sampled_from(ACTIONS), NUMBER, MINUTES),
    st.tuples(st.sampled_from(ACTIONS), NUMBER, MINUTES),
    st.tuples(st.just("time_passes"), NUMBER, MINUTES),
    st.tuples(st.just("the_job_runs"), NUMBER, MINUTES),
    st.tuples(st.just("the_job_dies"), st.integers(1, 24), st.sampled_from(ACTIONS)),
    st.tuples(st.just("somebody_acts_while_the_job_runs"), st.integers(1, 16), st.sampled_from(ACTIONS)),
    st.tuples(st.just("an_actor_dies"), st.integers(1, 16), st.sampled_from(ACTIONS)),
    st.tuples(st.just("redis_goes_or_comes"), NUMBER, MINUTES),
    st.tuples(st.sampled_from(["wiped", "halved", "shifted", "littered"]), NUMBER, MINUTES),
)


class Offers(RuleBasedStateMachine):
    """Offers of a few buyers on a few products, while processes, Redis and the index fail."""

    @initialize()
    def begin(self) -> None:
        self.model = OfferModel()
        connection.close()
        self.clock_context = database_clock()
        self.clock = self.clock_context.__enter__()
        self.products = [ProductFactory() for _ in range(PRODUCTS)]
        self.buyers = [UserFactory() for _ in range(BUYERS)]
        # A connection to Redis without a circuit breaker.
        where = client("state").connection_pool.connection_kwargs
        self.redis = redis.Redis(connection_pool=redis.ConnectionPool(**where))

    def teardown(self) -> None:
        pool("state").breaker.is_open = False
        self.redis.flushdb()
        self.redis.close()
        OfferEvent.objects.all().delete()
        Offer.objects.all().delete()
        Product.objects.all().delete()
        self.clock_context.__exit__(None, None, None)

    @rule(events=st.lists(EVENTS, min_size=10, max_size=20))
    def live(self, events: list[tuple[str, int, Any]]) -> None:
        for name, number, more in events:
            if name in ACTIONS:
                self.act(name, number, more)
            else:
                getattr(self, name)(number, more)
            self.check()

    # Actions of users, on the offers and on the model.

    def act(self, name: str, number: int, minutes: int) -> None:
        real, expected = self.chosen(name, number, minutes)
        done = succeeds(real)
        assert done == expected(self.model), name

    def chosen(self, name: str, number: int, minutes: int) -> tuple[Callable[[], Any], Callable[[OfferModel], bool]]:
        """Return an action on the real offers, and the same on a model, which says whether it is allowed."""
        if name == "create" or not self.model.offers:
            product, buyer = number % PRODUCTS, number // PRODUCTS % BUYERS
            end = Lifetime(expires_in=minutes * 60)

            def create() -> None:
                made = make_offer(self.buyers[buyer], self.products[product].pk, Decimal("5.00"), end)
                self.born = made.pk

            return create, lambda model: self.create_in(model, product, buyer, minutes)
        id = sorted(self.model.offers)[number % len(self.model.offers)]
        offer = Offer.objects.get(pk=id)
        buyer_of, seller_of = Actor(Role.BUYER, offer.buyer), Actor(Role.SELLER, offer.seller)
        end = self.model.now + minutes
        real = {
            "extend": lambda: transitions.extend(id, buyer_of, Lifetime(expires_in=minutes * 60)),
            "accept": lambda: accept(id, offer.seller),
            "decline": lambda: transitions.decline(id, seller_of),
            "withdraw": lambda: transitions.withdraw(id, offer.buyer),
        }
        model = {
            "extend": lambda model: model.extend(id, end),
            "accept": lambda model: model.accept(id),
            "decline": lambda model: model.close(id, "declined"),
            "withdraw": lambda model: model.close(id, "withdrawn"),
        }
        return real[name], model[name]

    def create_in(self, model: OfferModel, product: int, buyer: int, minutes: int) -> bool:
        if not model.may_create(product, buyer):
            return False
        model.offers[self.born] = [product, buyer, "active", model.now + minutes]
        return True

    # Time, the job, and failures.

    def time_passes(self, _: int, minutes: int) -> None:
        self.clock.advance(minutes * MINUTE)
        self.model.now += minutes

    def the_job_runs(self, _: int, __: int) -> None:
        stats = process_expired_offers()
        assert stats["backlog"] == 0
        assert not Offer.objects.filter(pk__in=self.expired(), status="active").exists()
        if not pool("state").breaker.is_open:
            assert self.index() == {id for id in self.model.offers if self.model.state(id) == "active"}

    def the_job_dies(self, step: int, _: str) -> None:
        try:
            with dying_at(step // 2, after=bool(step % 2)):
                process_expired_offers()
        except (Killed, DatabaseError):
            connection.close()

    def somebody_acts_while_the_job_runs(self, step: int, name: str) -> None:
        with at_boundary(step, lambda: self.act(name, step, 60)):
            process_expired_offers()

    def an_actor_dies(self, step: int, name: str) -> None:
        real, expected = self.chosen(name, step, 60)
        before = Offer.objects.count()
        try:
            with dying_at(step // 2, after=bool(step % 2)):
                succeeds(real)
        except (Killed, DatabaseError):
            connection.close()
        # There was no answer: the action was done as a whole, or not at all.
        if Offer.objects.count() > before:
            self.born = Offer.objects.latest("pk").pk
        done = deepcopy(self.model)
        creates = name == "create" or not self.model.offers
        if (creates and Offer.objects.count() == before) or not expected(done):
            return
        if self.states() == {id: done.state(id) for id in done.offers} and self.ends() == ends_of(done):
            self.model = done

    def redis_goes_or_comes(self, _: int, __: int) -> None:
        pool("state").breaker.is_open = not pool("state").breaker.is_open

    def wiped(self, _: int, __: int) -> None:
        self.redis.flushdb()

    def halved(self, _: int, __: int) -> None:
        for key in self.keys():
            self.redis.zremrangebyrank(key, 0, 0)

    def shifted(self, number: int, minutes: int) -> None:
        for key in self.keys():
            for name in self.redis.zrange(key, 0, -1):
                self.redis.zincrby(key, (minutes if number % 2 else -minutes) * 60_000, name)

    def littered(self, _: int, __: int) -> None:
        for shard in range(offer_deadlines.shards):
            self.redis.zadd(offer_deadlines.key(shard), {"rubbish": 1, "999999": 2, str(2**40 + shard): 9e12})

    # Invariants after each step.

    def check(self) -> None:
        """Check the effective states, the rows of closed offers, and one event for each expiry."""
        assert self.states() == {id: self.model.state(id) for id in self.model.offers}
        assert self.ends() == ends_of(self.model)
        rows = dict(Offer.objects.values_list("pk", "status"))
        assert all(rows[id] in (self.model.state(id), "active") for id in self.model.offers)
        recorded = Counter(OfferEvent.objects.filter(kind="expired").values_list("offer", flat=True))
        assert recorded == Counter(id for id, status in rows.items() if status == "expired")
        closed = Counter(OfferEvent.objects.exclude(kind__in=["made", "extended"]).values_list("offer", flat=True))
        assert closed == Counter(id for id, status in rows.items() if status != "active")

    def states(self) -> dict[int, str]:
        return dict(offers().values_list("pk", "effective_status"))

    def ends(self) -> dict[int, int]:
        """Return in how many minutes each live offer ends."""
        now = database_now()
        alive = offers().filter(effective_status="active").values_list("pk", "expires_at")
        return {id: (end - now) // MINUTE for id, end in alive}

    def expired(self) -> list[int]:
        return [id for id in self.model.offers if self.model.state(id) == "expired"]

    def keys(self) -> list[str]:
        return [offer_deadlines.key(shard) for shard in range(offer_deadlines.shards)]

    def index(self) -> set[int]:
        return {int(name) for key in self.keys() for name in self.redis.zrange(key, 0, -1)}


def ends_of(model: OfferModel) -> dict[int, int]:
    return {id: offer[3] - model.now for id, offer in model.offers.items() if model.state(id) == "active"}


def succeeds(act: Callable[[], Any]) -> bool:
    """Return whether the action was allowed."""
    try:
        act()
    except Refusal:
        return False
    return True


def test_offers_behave_like_the_model_in_any_order_of_events() -> None:
    run_state_machine_as_test(
        Offers, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )
