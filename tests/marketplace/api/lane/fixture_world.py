"""Rows, and a cache of them whose state can be restored: in Redis, in this process, and in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import redis
from django.utils import timezone

from caching import metrics
from caching.entries.entry import decode, encode
from caching.keys import Id, KeySpace
from caching.models import CounterSpill
from caching.readthrough.batch import fetch_many
from caching.readthrough.resource import Resource
from caching.readthrough.worker_health import worker_health
from caching.redis.connections import pool
from marketplace.accounts.cache import users
from products import feeds
from products.cache import feed_pages, product_views, products
from products.feed_pages import PageAddress
from products.feeds import complete_page, read_page_once
from products.models import ProductStatus, ProductViewsHour
from products.page_guesses import PageGuesses
from tests.caching.conftest import FakeClock
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.marketplace.api.lane import variants
from tests.task_queue import Queue

SOURCES = (products, users, feed_pages)
_METRICS = (
    metrics.READS,
    metrics.INCREMENTS_REFUSED,
    metrics.BAD_ENTRIES,
    metrics.BACKED_OFF,
    metrics.FILLS,
    metrics.EARLY,
)


# Saves every key with its TTL and value, and restores them.
_SAVE = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  found[#found + 1] = key
  found[#found + 1] = tostring(math.max(redis.call('PTTL', key), 0))
  found[#found + 1] = redis.call('DUMP', key)
end
return found
"""
_RESTORE = """
redis.call('FLUSHDB')
for first = 1, #ARGV, 3 do redis.call('RESTORE', ARGV[first], ARGV[first + 1], ARGV[first + 2]) end
"""


class Footprint(NamedTuple):
    """What a request leaves behind: keys in Redis (without tokens of leases), tasks sent, and metrics counted."""

    redis: dict[bytes, bytes | None]
    tasks: list[tuple[str, list[Any]]]
    metrics: dict[Any, float]


class World:
    """The rows that `variants` names, all of them in the cache; time stands still."""

    def __init__(self, state: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redis = state
        self.queue = Queue(state)
        self.clock = FakeClock()
        self.has_postgres = True
        for source in SOURCES:
            monkeypatch.setattr(source.store, "clock", self.clock)
        monkeypatch.setattr(product_views, "clock", self.clock)
        monkeypatch.setattr(feeds, "guesses", PageGuesses())
        # A clear then gives the same generation in both worlds.
        monkeypatch.setattr("caching.entries.erasure.secrets.randbelow", lambda limit: 6)
        self._began = self.clock.now
        _make_rows()
        self._warm()
        self._guesses = dict(feeds.guesses.by_page)
        self._saved: list[bytes] = state.eval(_SAVE, 0)

    def restore(self) -> None:
        """Restore the saved state."""
        self.clock.now = self._began
        self.has_postgres = True
        worker_health.start_afresh()
        feeds.guesses.start_afresh(self._guesses)
        for source in SOURCES:
            source.load_times.start_afresh()
        self.set_away(False)
        self.redis.eval(_RESTORE, 0, *self._saved)
        CounterSpill.objects.all().delete()

    def set_away(self, away: bool) -> None:
        """Take Redis away, or bring it back."""
        for role in ("cache", "state"):
            pool(role).breaker.is_open = away

    def footprint(self, before: dict[Any, float]) -> Footprint:
        """Return what a request has left behind; `before` are the metrics from before it."""
        self.set_away(False)
        saved = self.redis.eval(_SAVE, 0)
        lies = dict(zip(saved[::3], saved[2::3], strict=True))
        queued = [key for key in lies if b":q:" in key]
        tasks = [(message.task, _without_tokens(message.args)) for message in self.queue.messages()] if queued else []
        lies = {key: None if b":l:" in key else data for key, data in lies.items() if key not in queued}
        more = {name: value - before.get(name, 0) for name, value in counted().items()}
        return Footprint(lies, tasks, {name: value for name, value in more.items() if value})

    def edit(self, source: Resource, id: Id, change: Callable[[bytes], bytes]) -> None:
        """Change the bytes of an entry in Redis."""
        key = KeySpace(source.policy.namespace).entry(id)
        found = self.redis.get(key)
        assert found is not None, key
        self.redis.set(key, change(found), keepttl=True)

    def age(self, source: Resource, id: Id) -> None:
        """Make an entry stale."""
        self.edit(source, id, lambda data: encode(decode(data)._replace(loaded_ms=self.clock.now - 10**6)))

    def _warm(self) -> None:
        everything = [*variants.PRODUCTS, variants.SOLD]
        fetch_many(products, everything)
        for id in everything:
            product_views.increment(id)
        fetch_many(users, variants.USERS)
        for name in ("discover", "trending", f"category/{variants.SLUG}", f"seller/{variants.USERS[0]}"):
            first = PageAddress(name, per_page=2)
            sizes = (replace(first, per_page=size) for size in (20, 100, 101))
            for address in (first, first.next(), first.next().next(), *sizes):
                assert complete_page(read_page_once(address)) is not None
                # The next read is a hit, and so this process knows what to ask for together with the page.
                assert complete_page(read_page_once(address)) is not None
        self.queue.run()


def counted() -> dict[Any, float]:
    """Return the present values of the layer's own counters."""
    return {
        (metric._name, *labels): series._value.get()
        for metric in _METRICS
        for labels, series in metric._metrics.items()
    }


def _without_tokens(args: list[Any]) -> list[Any]:
    namespace, pairs, *rest = args
    return [namespace, [id for id, _ in pairs], *rest]


def _make_rows() -> None:
    seller, _, _ = (UserFactory(id=id) for id in variants.USERS)
    UserFactory(id=variants.INACTIVE, is_active=False)
    category = CategoryFactory(slug=variants.SLUG)
    now = timezone.now()
    statuses = {variants.SOLD: ProductStatus.SOLD, variants.WITHDRAWN: ProductStatus.WITHDRAWN}
    for id in (*variants.PRODUCTS, *statuses):
        status = statuses.get(id, ProductStatus.AVAILABLE)
        product = ProductFactory(id=id, seller=seller, category=category, status=status, views=id)
        ProductViewsHour.objects.create(hour=now - timedelta(hours=1), product=product, views=id)
