"""View counts as the admin shows them: live from Redis, or the flushed totals while Redis is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Sum
from django.http import HttpRequest

from caching.counters import last_flush, waiting_buckets, waiting_fields
from caching.redis import REDIS_ERRORS
from products.cache import product_views
from products.models import ProductViews

AWAY = "Redis does not answer: the view counts are the flushed totals, without the views that wait."


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
    except REDIS_ERRORS:
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
    last = last_flush(product_views)
    try:
        buckets = waiting_buckets(product_views)
        fields = waiting_fields(product_views, buckets)
    except REDIS_ERRORS:
        return Totals(flushed, last)
    return Totals(flushed, last, sum(map(len, buckets.values())), fields)
