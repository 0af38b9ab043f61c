"""Pages of feeds as lists of product ids: the addresses of pages, and the queries that load them.

The entry of a page holds up to `per_page` ids, and one more if there is a next page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from caching import Id, Load
from products.models import Category, Product, ProductStatus
from products.view_history import trending_ids

PER_PAGE = 20
MAX_PER_PAGE = 100

_ADDRESS = re.compile(r"(discover|trending|category/[a-z0-9-]+|seller/[0-9]{1,18}):([0-9]+):([0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class PageAddress:
    """A feed (`discover`, `trending`, `category/<slug>` or `seller/<id>`), and a page of it, counted from 1."""

    feed: str
    page: int = 1
    per_page: int = PER_PAGE

    def __str__(self) -> str:
        return f"{self.feed}:{self.page}:{self.per_page}"

    @classmethod
    def parse(cls, text: str) -> PageAddress:
        """Return the address that `str` wrote as `text`. Raises ValueError."""
        match = _ADDRESS.match(text)
        if match is None:
            raise ValueError(f"no feed page: {text!r}")
        return cls(match[1], int(match[2]), int(match[3]))

    @property
    def can_exist(self) -> bool:
        """Whether the feed has the form of one, with a name that a category or a seller can have."""
        return _ADDRESS.match(str(self)) is not None

    def next(self) -> PageAddress:
        """Return the address of the next page."""
        return replace(self, page=self.page + 1)


def first_page_keys(feed: str) -> list[str]:
    """Return the keys of a feed's first page in every size: their entries may say that the feed does not exist."""
    return [str(PageAddress(feed, 1, size)) for size in range(1, MAX_PER_PAGE + 1)]


def listed(body: bytes) -> list[Id]:
    """Return the ids in the body of a page's entry: decimal numbers separated by commas."""
    return [int(id) for id in body.split(b",")] if body else []


def load_pages(addresses: Sequence[Id]) -> Load:
    """Load pages, each by queries of its own; a page that does not exist is left out."""
    loaded = ((address, _load_page(PageAddress.parse(str(address)))) for address in addresses)
    return Load({address: body for address, body in loaded if body is not None})


def newest_ids() -> QuerySet[Product, int]:
    """Return the ids of available products, newest first."""
    available = Product.objects.filter(status=ProductStatus.AVAILABLE)
    return available.order_by("-created_at", "-id").values_list("id", flat=True)


def _load_page(address: PageAddress) -> bytes | None:
    ids = _ids(address)
    if not ids and (address.page > 1 or not _exists(address.feed)):
        return None
    return ",".join(map(str, ids)).encode()


def _ids(address: PageAddress) -> list[int]:
    """Return the ids of a page and, if there is a next page, one more."""
    start, count = (address.page - 1) * address.per_page, address.per_page + 1
    if address.feed == "trending":
        return trending_ids(start, count)
    return list(_newest_of(address.feed)[start : start + count])


def _newest_of(feed: str) -> QuerySet[Product, int]:
    kind, _, name = feed.partition("/")
    if kind == "seller":
        return newest_ids().filter(seller_id=int(name))
    if kind == "category":
        # A query of its own, so that the planner sees a constant and uses the index of the category.
        category = Category.objects.filter(slug=name).values_list("id", flat=True).first()
        return newest_ids().filter(category_id=category) if category else newest_ids().none()
    return newest_ids()


def _exists(feed: str) -> bool:
    kind, _, name = feed.partition("/")
    if kind == "category":
        return Category.objects.filter(slug=name).exists()
    if kind == "seller":
        return get_user_model().objects.filter(pk=int(name), is_active=True).exists()
    return True
