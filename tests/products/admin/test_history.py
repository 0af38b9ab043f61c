"""A product's history of views in the admin: plots, their summaries in words, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import ProductFactory
from tests.products.admin.catalogue_pages import page_of, plots_of, viewed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("hours", [0, 60])
def test_a_product_takes_as_many_queries_with_a_long_history_as_without(
    admin: Any, hours: int, django_assert_num_queries: Any
) -> None:
    product = ProductFactory()
    for hours_ago in range(hours):
        viewed(product, 3, hours_ago)
    admin.get(page_of(product))

    # Session, user; product; seller and category by name; its row of views; its history.
    with django_assert_num_queries(7):
        response = admin.get(page_of(product))

    assert len(plots_of(response)) == (2 if hours else 0)


def test_a_product_shows_its_views_by_hour_and_by_day(admin: Any) -> None:
    product = ProductFactory()
    viewed(product, 1200, 47)
    then = viewed(product, 1500, 3)
    viewed(product, 1, 0)
    viewed(ProductFactory(), 9999, 1)

    response = admin.get(page_of(product))

    name = f"{then:%-d %b, %H}:00 to {then + timedelta(hours=1):%H}:00 UTC"
    words = f"2,701 views in the last 48 hours, at most 1,500 in one hour ({name})."
    assert f"<div>{words}</div>" in response.content.decode()
    hours, days = plots_of(response)
    assert [hours.find("title").text, hours.find("desc").text] == ["Views by hour in the last 48 hours", words]
    assert days.find("title").text == "Views by day in the last 30 days"
    names = [title.text for title in hours.findall("g/g/title")]
    assert (len(names), names[-4], names[-1][-15:]) == (48, f"{name}: 1,500 views", ": 1 view so far")
    assert sum(": 0 views" in name for name in names) == 45
    assert len(hours.findall("g/g/rect")) == 48 + 3
    assert len(days.findall("g/g/title")) == 30


def test_the_plots_bring_no_style_no_script_and_nothing_from_elsewhere(admin: Any) -> None:
    product = ProductFactory()
    viewed(product, 1, 0)

    hours, days = plots_of(admin.get(page_of(product)))

    for drawn in (hours, days):
        assert drawn.get("role") == "img"
        ids = {element.get("id") for element in drawn}
        assert {drawn.get("aria-labelledby"), drawn.get("aria-describedby")} <= ids
        assert {element.tag for element in drawn.iter()} == {"svg", "title", "desc", "g", "line", "text", "rect"}
        names = {name for element in drawn.iter() for name in element.attrib}
        assert not names & {"style", "href", "onload", "onclick"}


def test_a_product_nobody_viewed_says_so_in_words(admin: Any) -> None:
    forgotten, lately = ProductFactory(), ProductFactory()
    viewed(forgotten, 1, 31 * 24)
    viewed(lately, 1, 20 * 24)

    nobody, earlier = admin.get(page_of(forgotten)), admin.get(page_of(lately))

    assert plots_of(nobody) == []
    assert "No views in the last 48 hours." in nobody.content.decode()
    assert "No views in the last 30 days." in nobody.content.decode()
    assert [drawn.find("title").text for drawn in plots_of(earlier)] == ["Views by day in the last 30 days"]
    assert "No views in the last 48 hours." in earlier.content.decode()
    assert "1 view in the last 30 days" in earlier.content.decode()


@pytest.mark.parametrize(("days", "hours", "plotted"), [(1, 24, 1), (0, 24, 1), (2, 48, 2), (3650, 48, 90)])
def test_a_plot_is_no_longer_than_what_is_kept_and_can_be_seen(
    admin: Any, settings: Any, days: int, hours: int, plotted: int
) -> None:
    settings.VIEW_HISTORY_DAYS = days
    product = ProductFactory()
    viewed(product, 1, 0)

    by_hour, by_day = plots_of(admin.get(page_of(product)))

    assert len(by_hour.findall("g/g/title")) == hours
    assert len(by_day.findall("g/g/title")) == plotted
