"""A product's history of views as the admin shows it: two plots, each with a summary in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.conf import settings

from products.admin.plot import Plot, Slot, plot
from products.view_history import views_by_hour

HOURS = 48
# More bars than this cannot be distinguished.
MOST_DAYS = 90


@dataclass(frozen=True, slots=True)
class Chapter:
    """The plot of one span of time, such as `48 hours`; each bar counts the views of one `unit`."""

    unit: str
    span: str
    plot: Plot

    @property
    def id(self) -> str:
        return f"views-by-{self.unit}"

    @property
    def title(self) -> str:
        return f"Views by {self.unit} in the last {self.span}"

    @property
    def words(self) -> str:
        """The summary of the plot in words."""
        total, highest = self.plot.total, self.plot.highest.slot
        if not total:
            return f"No views in the last {self.span}."
        views = "view" if total == 1 else "views"
        return f"{total:,} {views} in the last {self.span}, at most {highest.text} in one {self.unit} ({highest.name})."


def chapters(product_id: int) -> list[Chapter]:
    """Return the last hours and the last days of a product, from one query."""
    days = min(max(settings.VIEW_HISTORY_DAYS, 1), MOST_DAYS)
    history = views_by_hour(product_id, days * 24)
    return [
        _chapter("hour", list(_hours(history[-HOURS:]))),
        _chapter("day", list(_days(_by_day(history)[-days:]))),
    ]


def _chapter(unit: str, slots: Sequence[Slot]) -> Chapter:
    span = f"{len(slots)} {unit}s" if len(slots) > 1 else unit
    return Chapter(unit, span, plot(slots))


def _by_day(history: Iterable[tuple[datetime, int]]) -> list[tuple[date, int]]:
    """Add up whole days of UTC."""
    return [(day, sum(views for _, views in hours)) for day, hours in groupby(history, lambda row: row[0].date())]


def _hours(history: Sequence[tuple[datetime, int]]) -> Iterable[Slot]:
    """Yield a slot an hour; the marks are at midnight and every six hours."""
    for hour, views in history:
        mark = f"{hour:%-d %b}" if hour.hour == 0 else f"{hour:%H}:00" if hour.hour % 6 == 0 else ""
        yield Slot(views, f"{hour:%-d %b, %H}:00 to {hour + timedelta(hours=1):%H}:00 UTC", mark)


def _days(history: Sequence[tuple[date, int]]) -> Iterable[Slot]:
    """Yield a slot a day; the marks are on today and at equal steps before it."""
    every = -(-len(history) // 8)
    for ago, (day, views) in zip(reversed(range(len(history))), history, strict=True):
        yield Slot(views, f"{day:%a, %-d %b}", f"{day:%-d %b}" if ago % every == 0 else "")
