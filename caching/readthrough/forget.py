"""A rule that says which rows make which entries old."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from caching.keys import Id


class Change(enum.Flag):
    """What happened to a row."""

    CREATED = enum.auto()
    UPDATED = enum.auto()
    DELETED = enum.auto()
    SAVED = CREATED | UPDATED
    ANY = SAVED | DELETED


@dataclass(frozen=True, slots=True)
class Forget:
    """A rule: when Django saves or deletes a row of `model`, forget the entries of `ids(row)` once that has committed.

    `on` says which changes count. A save that names `update_fields` counts only if one of them is among `fields`
    (empty: always). `QuerySet.update` and bulk writes send no signal: call `invalidate` after them.
    """

    model: type[Model]
    ids: Callable[[Any], Iterable[Id]] = lambda row: [row.pk]
    on: Change = Change.ANY
    fields: Collection[str] = ()

    def check(self) -> None:
        """Raise TypeError for what is no model, or no collection of names; ValueError for a field that is none."""
        if not (isinstance(self.model, type) and issubclass(self.model, Model)):
            raise TypeError(f"{self.model!r} is no model")
        if isinstance(self.fields, str):
            raise TypeError(f"fields={self.fields!r} must be a collection of names, such as {{{self.fields!r}}}")
        for name in self.fields:
            try:
                self.model._meta.get_field(name)
            except FieldDoesNotExist:
                raise ValueError(f"{self.model.__name__} has no field {name!r}") from None

    def concerns(self, change: Change, update_fields: Collection[str] | None = None) -> bool:
        """Return whether the rule applies to a change."""
        seen = not self.fields or update_fields is None or not self._names().isdisjoint(update_fields)
        return bool(change & self.on) and seen

    def ids_of(self, row: Model) -> list[Id]:
        """Return the ids that a row makes old. Raises TypeError if the rule returns anything but ids."""
        ids = self.ids(row)
        found = list(ids) if isinstance(ids, Iterable) and not isinstance(ids, (str, bytes)) else None
        if found is None or not all(isinstance(id, (int, str)) for id in found):
            raise TypeError(f"the rule that a {self.model.__name__} makes entries old must return ids, not {ids!r}")
        return found

    def _names(self) -> set[str]:
        """Return each field under both of its names, because a save may call `seller` also `seller_id`."""
        fields = [self.model._meta.get_field(name) for name in self.fields]
        return {name for field in fields for name in (field.name, getattr(field, "attname", field.name))}
