"""Random orders of everything that can happen to views, compared with a model of three numbers.

After each step, the views accepted are the sum of those in PostgreSQL, in the spill, in waiting buckets, orphaned, and
lost by Redis itself; and the live count of a product is the sum of its views.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import redis
from django.db import DatabaseError, connection
from django.db.models import Sum
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from redis.exceptions import RedisError

from caching.models import CounterBucket, CounterSpill
from caching.redis.connections import client, pool
from products.cache import product_views
from products.models import Product, ProductViews, ProductViewsHour
from products.view_counts import increment_view, sync_view_counts
from tests.boundaries import Killed, at_boundary, dying_at
from tests.factories import ProductFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PRODUCTS = 3
EXAMPLES = 50
STEPS = 4


# Events, each with a number whose meaning depends on the event. One that is listed twice happens twice as often.
EVENTS = st.one_of(
    st.tuples(st.just("view"), st.integers(0, PRODUCTS - 1)),
    st.tuples(st.just("view"), st.integers(0, PRODUCTS - 1)),
    st.tuples(st.just("view"), st.integers(0, PRODUCTS - 1)),
    st.tuples(st.just("clock_goes"), st.sampled_from([5, 1, 60, 3600])),
    st.tuples(st.just("clock_goes"), st.sampled_from([5, -5, -60, -3600])),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(st.just("flusher_dies"), st.integers(2, 60)),
    st.tuples(st.just("another_flusher_overtakes"), st.integers(1, 12)),
    st.tuples(st.just("redis_goes_or_comes"), st.just(0)),
    st.tuples(
        st.sampled_from(
            ["the_ledger_grows_old", "a_snapshot_is_taken", "the_snapshot_is_restored", "redis_is_emptied"]
        ),
        st.just(0),
    ),
    st.tuples(
        st.sampled_from(["live_counts_are_evicted", "scripts_are_forgotten", "a_product_is_deleted"]), st.just(0)
    ),
)


class Clock:
    """Redis' clock in milliseconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


class Views(RuleBasedStateMachine):
    """Views of a few products: counted, flushed, killed, restored, deleted."""

    @initialize()
    def begin(self) -> None:
        self.clock = product_views.clock = Clock()
        self.ids = [ProductFactory().pk for _ in range(PRODUCTS)]
        # A connection to Redis without a circuit breaker.
        where = client("state").connection_pool.connection_kwargs
        self.redis = redis.Redis(connection_pool=redis.ConnectionPool(**where))
        self.accepted = self.lost = 0
        self.away = False
        self.snapshot: dict[bytes, bytes] | None = None
        # Until a flush has run to its end, Redis does not know what the ledger has sealed, or which live counts lack
        # what was spilled.
        self.forgot = self.lacks_spill = False
        self.checked: Counter[int] = Counter()

    def teardown(self) -> None:
        pool("state").breaker.is_open = False
        self.redis.flushdb()
        self.redis.close()
        product_views.clock = None
        for model in (CounterBucket, CounterSpill, ProductViewsHour, ProductViews, Product):
            model.objects.all().delete()

    @rule(events=st.lists(EVENTS, min_size=10, max_size=20))
    def live(self, events: list[tuple[str, int]]) -> None:
        for name, number in events:
            getattr(self, name)(number)
            self.check()

    def view(self, which: int) -> None:
        counted = increment_view(self.ids[which % PRODUCTS]) is not None
        self.accepted += counted
        self.lacks_spill |= self.away
        if counted and self.stored() == self.checked:
            # Into a bucket that is in the ledger already.
            assert self.forgot
            self.lost += 1

    def clock_goes(self, seconds: int) -> None:
        self.clock.now += seconds * 1000

    def flush(self, _: int) -> None:
        if self.away:
            with pytest.raises(RedisError):
                sync_view_counts()
            assert CounterSpill.objects.count() == 0
            return
        sync_view_counts()
        self.forgot = self.lacks_spill = False

    def flusher_dies(self, step: int) -> None:
        if self.away:
            return
        try:
            with dying_at(step // 2, after=bool(step % 2)):
                sync_view_counts()
            self.forgot = self.lacks_spill = False
        except (Killed, DatabaseError):
            connection.close()

    def another_flusher_overtakes(self, step: int) -> None:
        if self.away:
            return
        with at_boundary(step, sync_view_counts):
            sync_view_counts()
        self.forgot = self.lacks_spill = False

    def redis_goes_or_comes(self, _: int) -> None:
        self.away = pool("state").breaker.is_open = not self.away

    def the_ledger_grows_old(self, _: int) -> None:
        CounterBucket.objects.update(applied_at=timezone.now() - timedelta(hours=1))

    def a_product_is_deleted(self, _: int) -> None:
        last = Product.objects.order_by("pk").last()
        if last is not None:
            self.accepted -= ProductViews.objects.get(product=last).views
            last.delete()

    def scripts_are_forgotten(self, _: int) -> None:
        self.redis.script_flush()

    def live_counts_are_evicted(self, _: int) -> None:
        for name in self.redis.scan_iter("mp:n:*:live:*"):
            self.redis.delete(name)

    def a_snapshot_is_taken(self, _: int) -> None:
        self.snapshot = {name: self.redis.dump(name) for name in self.redis.scan_iter("mp:n:*")}

    def the_snapshot_is_restored(self, _: int) -> None:
        if self.snapshot is None:
            return
        pending = self.pending()
        self.redis.flushdb()
        for name, dump in self.snapshot.items():
            self.redis.restore(name, 0, dump)
        self.lost += pending - self.pending()
        self.forgot = True

    def redis_is_emptied(self, _: int) -> None:
        self.lost += self.pending()
        self.redis.flushdb()
        self.forgot = True

    def check(self) -> None:
        """Check the sum of all views, and the live counts."""
        self.checked = stored = self.stored()
        orphaned = CounterBucket.objects.aggregate(sum=Sum("orphaned"))["sum"] or 0
        assert self.accepted == stored.total() + orphaned + self.lost
        if self.forgot or self.lacks_spill or self.away:
            return
        for id, live in product_views.live(Product.objects.values_list("pk", flat=True)).items():
            assert live == stored[int(id)]

    def stored(self) -> Counter[int]:
        """Return how many views there are by product: flushed, spilled and waiting."""
        stored = self.waiting()
        stored.update(dict(ProductViews.objects.values_list("product", "views")))
        for id, amount in CounterSpill.objects.values_list("counter", "amount"):
            stored[id] += amount
        return stored

    def pending(self) -> int:
        return self.waiting().total()

    def waiting(self) -> Counter[int]:
        """Return how many views by product lie in buckets that are not in the ledger."""
        applied = set(CounterBucket.objects.values_list("shard", "bucket"))
        shards, pipeline = range(product_views.shards), self.redis.pipeline(transaction=False)
        for shard in shards:
            pipeline.zrange(product_views.key(shard, "buckets"), 0, -1)
        for shard, names in zip(shards, pipeline.execute(), strict=True):
            for name in names:
                if (shard, int(name)) not in applied:
                    pipeline.hgetall(product_views.key(shard, f"b:{int(name)}"))
        waiting: Counter[int] = Counter()
        for bucket in pipeline.execute():
            waiting.update({int(id): int(count) for id, count in bucket.items()})
        return waiting


@pytest.mark.usefixtures("own_server")
def test_no_view_is_lost_or_doubled_in_any_order_of_events() -> None:
    run_state_machine_as_test(Views, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None))
