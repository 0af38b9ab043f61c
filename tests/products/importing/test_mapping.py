"""Mappings are declared data: found by name, file or columns, and refused with the wrong entry named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from products.importing import mappings
from products.importing.errors import CatalogueError
from products.importing.mapping import Mapping

TABLE = {"source": "s", "columns": {"title": "name", "price": "cost"}, "id": {"columns": ["sku"]}}


def test_every_shipped_mapping_is_valid() -> None:
    assert {mappings.named(name).source for name in mappings.shipped_names()} == {"electronics", "heissepreise"}


def test_the_shipped_mapping_is_found_by_the_columns() -> None:
    grocery = ["store", "item_id", "name", "category", "unavailable", "price", "more"]
    phones = ["name", "description", "brand", "categories", "price", "image", "popularity"]
    assert mappings.detect(grocery).source == "heissepreise"
    assert mappings.detect(phones).source == "electronics"
    with pytest.raises(CatalogueError, match=r"'colour'.*--mapping"):
        mappings.detect(["colour"])


def test_toml_and_json_declare_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(TABLE))
    (tmp_path / "m.toml").write_text(
        'source = "s"\n[columns]\ntitle = "name"\nprice = "cost"\n[id]\ncolumns = ["sku"]\n'
    )
    assert mappings.named(str(tmp_path / "m.json")) == mappings.named(str(tmp_path / "m.toml"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"source": "No Spaces"}, "source"),
        ({"columns": {"title": "name"}}, "title and a price"),
        ({"columns": {"title": "name", "price": "p", "size": "s"}}, "columns.size"),
        ({"id": {}}, "id must have"),
        ({"id": {"columns": ["a"], "hash": ["b"]}}, "id must have"),
        ({"id": {"columns": "sku"}}, "columns must be a list"),
        ({"currency": "XAU"}, "currency"),
        ({"category": {"pick": "middle"}}, "category.pick"),
        ({"availability": {"column": "gone"}}, "availability"),
        ({"colour": "red"}, "colour"),
        ({"columns": []}, "columns must be a table"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(CatalogueError, match=problem):
        Mapping.from_table({**TABLE, **change}, "m.toml")


@pytest.mark.parametrize("name", ["nowhere", "nowhere.toml"])
def test_an_unknown_mapping_is_one_clear_line(name: str) -> None:
    with pytest.raises(CatalogueError, match="nowhere"):
        mappings.named(name)


def test_a_file_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(CatalogueError, match="'cost'"):
        mappings.check_fits(Mapping.from_table(TABLE, "m"), ["name", "sku"])
