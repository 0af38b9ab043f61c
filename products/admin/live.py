"""View counts as the admin shows them: live from Redis, or the flushed totals while Redis is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Sum
from django.http import HttpRequest

from caching.models import CounterBucket
from caching.redis.connections import RedisUnavailable
from products.cache import product_views
from products.models import ProductViews

AWAY = "Redis does not answer: view counts are as far as flushed, and views that wait are not among them."


class LiveChangeList(ChangeList):
    """A page of products whose live counts were read in one round trip."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        if not attach_live(self.result_list):
            self.model_admin.message_user(request, AWAY, "warning")


def attach_live(products: Sequence[Any]) -> bool:
    """Give each product, which has its `flushed` total, its count as `live`; False if Redis did not answer.

    A product without a live count in Redis has not been viewed lately, so its total is its count.
    """
    try:
        counts, answered = product_views.live([product.pk for product in products]), True
    except RedisUnavailable:
        counts, answered = {}, False
    for product in products:
        product.live = counts.get(product.pk, product.flushed)
    return answered


@dataclass(frozen=True, slots=True)
class Totals:
    """The sum of all flushed views, the time of the last flush, and the numbers of buckets and of counts in them that
    wait for the next one (None if Redis did not answer)."""

    flushed: int
    last_flush: datetime | None
    buckets: int | None = None
    waiting: int | None = None


def totals() -> Totals:
    """Return the totals of the whole catalogue."""
    flushed = ProductViews.objects.aggregate(sum=Sum("views"))["sum"] or 0
    newest = CounterBucket.objects.order_by("-applied_at").filter(family=product_views.name)
    last_flush = newest.values_list("applied_at", flat=True).first()
    try:
        return Totals(flushed, last_flush, *_waiting())
    except RedisUnavailable:
        return Totals(flushed, last_flush)


def _waiting() -> tuple[int, int]:
    """Return how many buckets are not applied yet, and how many counts of products they hold."""
    retained = CounterBucket.objects.filter(family=product_views.name, retained=True)
    waiting = set(product_views.backlog()) - set(retained.values_list("shard", "bucket"))
    by_shard: dict[int, list[int]] = {}
    for shard, bucket in waiting:
        by_shard.setdefault(shard, []).append(bucket)
    return len(waiting), sum(sum(product_views.sizes(shard, buckets)) for shard, buckets in by_shard.items())
