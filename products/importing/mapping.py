"""A mapping from the columns of a catalogue to the fields of a product, declared as data and checked here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from products.importing.errors import CatalogueError
from products.money import CURRENCIES

COLUMNS = frozenset({"title", "description", "price", "currency", "category", "image_url", "shop"})
_SECTIONS = {
    "": {"source", "currency", "columns", "id", "category", "availability"},
    "id": {"columns", "hash"},
    "category": {"pick", "default"},
    "availability": {"column", "unavailable"},
}
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Mapping:
    """How to read one kind of catalogue; `docs/importing.md` explains each entry of the declaration."""

    source: str
    columns: dict[str, str]
    id_columns: tuple[str, ...] = ()
    hash_columns: tuple[str, ...] = ()
    currency: str = ""
    category_pick: Literal["first", "last"] = "last"
    category_default: str = "Other"
    availability_column: str = ""
    unavailable: frozenset[str] = field(default_factory=frozenset)

    @property
    def required(self) -> frozenset[str]:
        """The columns that a file must have to be read by this mapping."""
        named = {*self.columns.values(), *self.id_columns, *self.hash_columns, self.availability_column}
        return frozenset(named - {""})

    def fits(self, columns: Iterable[str]) -> bool:
        """Return whether a file with these columns has all that this mapping reads."""
        return self.required <= set(columns)

    @classmethod
    def from_table(cls, table: Any, where: str) -> Mapping:
        """Check a declaration, as TOML or JSON gives it. Raises CatalogueError that names the wrong entry."""
        try:
            return _checked(table)
        except _Wrong as error:
            raise CatalogueError(f"mapping {where}: {error}") from error


class _Wrong(ValueError):
    """One entry of a declaration is invalid."""


def _checked(table: Any) -> Mapping:
    top = _section(table, "")
    columns = _section(top.get("columns", {}), "columns", COLUMNS)
    identity = _section(top.get("id", {}), "id")
    category = _section(top.get("category", {}), "category")
    availability = _section(top.get("availability", {}), "availability")
    mapping = Mapping(
        source=_text(top, "source"),
        columns={name: _text(columns, name) for name in columns},
        id_columns=_texts(identity, "columns"),
        hash_columns=_texts(identity, "hash"),
        currency=_text(top, "currency"),
        category_pick=_text(category, "pick") or "last",  # type: ignore[arg-type]
        category_default=_text(category, "default") or "Other",
        availability_column=_text(availability, "column"),
        unavailable=frozenset(text.casefold() for text in _texts(availability, "unavailable")),
    )
    _check_rules(mapping)
    return mapping


def _check_rules(mapping: Mapping) -> None:
    rules = [
        (_SOURCE.fullmatch(mapping.source), "source must be a short name of a-z, 0-9, - and _"),
        ({"title", "price"} <= set(mapping.columns), "columns must name a title and a price"),
        (
            bool(mapping.id_columns) != bool(mapping.hash_columns),
            "id must have either `columns` (joined) or `hash` (columns whose hash is the id)",
        ),
        (mapping.currency in ("", *CURRENCIES), f"currency must be one of {', '.join(CURRENCIES)}"),
        (mapping.category_pick in ("first", "last"), "category.pick must be first or last"),
        (
            bool(mapping.availability_column) == bool(mapping.unavailable),
            "availability needs both `column` and `unavailable` (the values that mean: not for sale)",
        ),
    ]
    for holds, problem in rules:
        if not holds:
            raise _Wrong(problem)


def _section(value: Any, name: str, allowed: Iterable[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{name or 'the declaration'} must be a table")
    if unknown := sorted(set(value) - set(allowed or _SECTIONS[name])):
        raise _Wrong(f"unknown entry {'.'.join(filter(None, [name, unknown[0]]))}")
    return value


def _text(table: dict[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise _Wrong(f"{name} must be a string")
    return value


def _texts(table: dict[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _Wrong(f"{name} must be a list of strings")
    return tuple(value)
