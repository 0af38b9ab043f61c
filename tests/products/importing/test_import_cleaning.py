"""The rules for single values: prices, text, slugs, ids, pictures, availability."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.importing import cleaning, prices, text
from products.importing.cleaning import Cleaner
from products.importing.errors import BadRow, SkippedRow
from products.importing.item import Item
from products.importing.mapping import Mapping
from products.importing.rows import Row
from products.importing.slugs import slug_of

FULL = Mapping(
    source="shop",
    columns={name: name for name in ("title", "description", "price", "currency", "category", "image_url", "shop")},
    id_columns=("shop", "sku"),
    availability_column="gone",
    unavailable=frozenset({"1", "true"}),
)
GOOD = {"title": "Lamp", "price": "5", "shop": "billa", "sku": "7"}


def item(values: dict[str, Any], mapping: Mapping = FULL, **options: Any) -> Item:
    return Cleaner(mapping, currency="EUR", **options).item(Row(2, values))


def reason(values: dict[str, Any], **options: Any) -> str:
    with pytest.raises(BadRow) as caught:
        item({**GOOD, **values}, **options)
    return caught.value.reason


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("5", "5.00"),
        (" 3.6465 ", "3.65"),
        (Decimal("19.99"), "19.99"),
        ("0.005", "0.01"),
        ("1e3", "1000.00"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_prices_are_rounded_half_up_to_cents(written: object, price: str) -> None:
    assert prices.price_of(written, "EUR")[0] == Decimal(price)


@pytest.mark.parametrize(
    ("written", "noted"),
    [("3.6465", True), ("3.654", True), ("3.65", False), ("3.650", False), ("3", False), ("3e2", False)],
)
def test_a_price_that_was_rounded_is_noted(written: str, noted: bool) -> None:
    assert (cleaning.PRICE_ROUNDED in item({**GOOD, "price": written}).notes) is noted


@pytest.mark.parametrize(("written", "price"), [("1200", "1200"), ("1200.00", "1200"), (Decimal("1.2E+3"), "1200")])
def test_a_price_in_yen_is_a_whole_number(written: object, price: str) -> None:
    assert str(item({**GOOD, "price": written, "currency": "JPY"}).price) == price


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("1200.50", prices.NOT_IN_UNITS),
        ("1200.004", prices.NOT_IN_UNITS),
        ("0.004", prices.NOT_IN_UNITS),
        ("9999999999.99", prices.TOO_LARGE),
    ],
)
def test_a_price_that_its_currency_does_not_have_is_rejected_not_rounded(written: str, why: str) -> None:
    assert reason({"price": written, "currency": "JPY"}) == why


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("0", prices.ZERO),
        ("0.00", prices.ZERO),
        (Decimal(0), prices.ZERO),
        ("", prices.MISSING),
        (None, prices.MISSING),
        ("-1", prices.NEGATIVE),
        ("1,99", prices.UNREADABLE),
        ("1_000", prices.UNREADABLE),
        ("NaN", prices.UNREADABLE),
        ("Infinity", prices.UNREADABLE),
        ("٣", prices.UNREADABLE),
        (True, prices.UNREADABLE),
        ([5], prices.UNREADABLE),
        ("10000000000", prices.TOO_LARGE),
        ("9999999999.995", prices.TOO_LARGE),
        ("1e400", prices.TOO_LARGE),
        ("0.004", prices.TOO_SMALL),
    ],
)
def test_a_price_that_is_none_is_rejected_with_its_reason(written: object, why: str) -> None:
    assert reason({"price": written}) == why


def test_entities_are_unescaped_once_and_text_is_put_in_order() -> None:
    assert text.one_line("  Ben &amp; Jerry&#39;s\t\x00 Ice\r\n cream ") == "Ben & Jerry's Ice cream"
    assert text.one_line("&amp;amp;") == "&amp;"
    assert text.one_line("safe\u202eegap") == "safeegap"
    assert text.one_line("Cafe\u0301") == "Café"
    assert text.paragraphs("a  b\r\n\r\n\r\n\r\nc &lt;d&gt; ") == "a b\n\nc <d>"


def test_long_text_is_cut_at_a_word_and_that_is_noted() -> None:
    cut = item({**GOOD, "title": "lamp " * 60, "description": "word " * 3000, "image_url": "ftp://x"})
    assert len(cut.title) <= 200
    assert cut.title.endswith("lamp…")
    assert len(cut.description) <= 10_000
    assert cut.notes == (cleaning.TITLE_CUT, cleaning.DESCRIPTION_CUT, cleaning.IMAGE_DROPPED)


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


@pytest.mark.parametrize(
    ("name", "slug"),
    [("A0", "a0"), ("Käse & Brot", "kase-brot"), ("Straße", "strasse"), ("  ", ""), ("Øl/Łódź", "ol-lodz")],
)
def test_slugs_are_ascii_words(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text())
def test_every_slug_is_one_that_the_database_takes(name: str) -> None:
    slug = slug_of(name)
    assert slug == "" or (re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) and len(slug) <= 80)


def test_names_without_latin_letters_and_long_names_stay_apart() -> None:
    assert slug_of("Молоко") != slug_of("Хлеб")
    assert slug_of("x" * 100 + "a") != slug_of("x" * 100 + "b")
