"""The pages of a list that may be very long."""

from __future__ import annotations

from functools import cached_property

from django.core.paginator import Paginator

# Nobody turns a hundred pages, and PostgreSQL would read the whole table to say how many there are.
MAX_COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts so far and no further; what lies beyond is reached by a filter or the search."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[:MAX_COUNTED].count())

    @property
    def is_capped(self) -> bool:
        return self.count == MAX_COUNTED
