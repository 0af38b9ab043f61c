"""Slugs of categories: ASCII words that the database takes, and different for different names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.importing.slugs import slug_of


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
