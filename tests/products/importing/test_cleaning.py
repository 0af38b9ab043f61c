"""The rules for a row: broken text, ids, currency, category, pictures, availability."""

from __future__ import annotations

import pytest

from products.importing import cleaning, prices, text
from products.importing.errors import SkippedRow
from products.importing.mapping import Mapping
from tests.products.importing.cleaned_rows import GOOD, item, reason


@pytest.mark.parametrize("title", ["", "  ", None, "\x00", "&nbsp;"])
def test_an_empty_title_is_rejected(title: str | None) -> None:
    assert reason({"title": title}) == cleaning.TITLE_EMPTY


def test_broken_utf8_is_rejected_in_any_column_that_is_read_unless_lenient() -> None:
    for column in ("title", "description", "category", "shop", "sku"):
        assert reason({column: "br\udcffken"}) == text.ENCODING
    assert item({**GOOD, "unread": "br\udcffken"}).title == "Lamp"
    assert item({**GOOD, "title": "br\udcffken"}, lenient=True).title == "br\ufffdken"


def test_ids_of_several_columns_cannot_be_confused() -> None:
    assert item(GOOD).source_id == "billa:7"
    assert item({**GOOD, "shop": "a:b", "sku": "c"}).source_id != item({**GOOD, "shop": "a", "sku": "b:c"}).source_id
    assert reason({"sku": " "}) == cleaning.ID_MISSING
    assert reason({"sku": "7" * 200}) == cleaning.ID_TOO_LONG


def test_a_hashed_id_depends_on_its_columns_and_on_nothing_else() -> None:
    mapping = Mapping(source="s", columns={"title": "title", "price": "price"}, hash_columns=("title", "image"))
    row = {"title": "Charger", "price": 5, "image": "a.jpg"}
    first = item(row, mapping).source_id
    assert item({**row, "price": 6}, mapping).source_id == first
    assert item({**row, "image": "b.jpg"}, mapping).source_id != first


def test_currency_comes_from_the_row_or_the_default_and_must_be_known() -> None:
    assert item(GOOD).currency == "EUR"
    assert item({**GOOD, "currency": "usd"}).currency == "USD"
    assert reason({"currency": "XAU"}) == cleaning.CURRENCY_UNKNOWN


@pytest.mark.parametrize(("value", "name"), [([], "Other"), (["A", "B"], "B"), ("A0", "A0"), (None, "Other")])
def test_the_category_is_a_name_or_the_last_of_a_list(value: object, name: str) -> None:
    assert item({**GOOD, "category": value}).category == name


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://cdn.example.com/a_b.jpg?x=1", True),
        ("javascript:alert(1)", False),
        ("/relative.jpg", False),
        ('https://example.com/"onerror', False),
        ("https://example.com/" + "a" * 500, False),
    ],
)
def test_only_web_addresses_are_pictures(url: str, kept: bool) -> None:
    assert item({**GOOD, "image_url": url}).image_url == (url if kept else "")


def test_what_is_gone_at_its_source_is_skipped_but_broken_rows_come_first() -> None:
    with pytest.raises(SkippedRow):
        item({**GOOD, "gone": "1"})
    with pytest.raises(SkippedRow):
        item({**GOOD, "gone": True})
    assert reason({"gone": "1", "price": "0"}) == prices.ZERO
    assert item({**GOOD, "gone": "0"}).title == "Lamp"
    assert item({**GOOD, "gone": "1"}, unavailable_too=True).title == "Lamp"


def test_a_structure_where_text_belongs_is_rejected() -> None:
    assert reason({"title": {"en": "Lamp"}}) == text.NOT_TEXT
    assert reason({"shop": ""}) == cleaning.SHOP_MISSING
