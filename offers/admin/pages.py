"""Pagination of lists that may be very long."""

from __future__ import annotations

from functools import cached_property

from django.core.paginator import Paginator

# An exact count would read the whole table, and no person reads a hundred pages.
MAX_COUNTED = 10_000


class CappedPaginator(Paginator):
    """A paginator that counts to MAX_COUNTED at most. Rows beyond are reached by a filter or the search."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[:MAX_COUNTED].count())

    @property
    def is_capped(self) -> bool:
        return self.count == MAX_COUNTED
