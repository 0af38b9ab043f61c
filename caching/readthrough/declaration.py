"""Declaring a resource: its policy, its loader, and the row changes that invalidate its entries.

A declaration is in the `cache.py` of its owner, which `caching` imports in every process as Django's admin imports
`admin.py`. So a worker or a command has the same resources as the web.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.db.models.signals import ModelSignal, post_delete, post_save

from caching.counters.family import CounterFamily
from caching.entries.policy import Policy
from caching.keys import Id
from caching.readthrough.invalidation import forget, invalidate
from caching.readthrough.resource import Loader, Resource, WorthWarming, registry


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

    def concerns(self, change: Change, update_fields: Collection[str] | None = None) -> bool:
        """Return whether the rule applies to a change."""
        seen = not self.fields or update_fields is None or not set(self.fields).isdisjoint(update_fields)
        return bool(change & self.on) and seen


def resource(
    policy: Policy,
    loader: Loader,
    *,
    rows: type[Model] | None = None,
    forget_on: Sequence[Forget] = (),
    family: CounterFamily | None = None,
    warm: WorthWarming | None = None,
    warm_name: str = "",
) -> Resource:
    """Declare what is cached under one namespace, and return it for `fetch`, `fetch_many` and `invalidate`.

    `rows` is the model whose rows the entries show, by primary key: saving or deleting one forgets its entry, and a
    deleted one is no longer counted. `forget_on` are further rules; a rule for `rows` itself replaces the default.
    With `family` the entries have live counts. `warm` takes a limit and returns the ids that `warm_cache` fills under
    `warm_name`. Raises ValueError for a namespace that is taken.
    """
    declared = registry.add(Resource(policy, loader, family, warm, warm_name))
    rules = list(forget_on)
    if rows is not None and all(rule.model is not rows for rule in rules):
        rules.append(Forget(rows))
    for number, rule in enumerate(rules):
        _connect(declared, rule, f"caching.{policy.namespace}.{number}", gone=rule.model is rows)
    return declared


def withdraw(declared: Resource) -> None:
    """Undo a declaration, for tests that declare a resource of their own."""
    for signal, uid, sender in declared.receivers:
        signal.disconnect(sender=sender, dispatch_uid=uid)
    registry.remove(declared.policy.namespace)


def _connect(declared: Resource, rule: Forget, uid: str, gone: bool) -> None:
    def saved(instance: Any, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
        if rule.concerns(Change.CREATED if created else Change.UPDATED, update_fields):
            invalidate(declared, rule.ids(instance))

    def deleted(instance: Any, **_: Any) -> None:
        if rule.concerns(Change.DELETED):
            (forget if gone else invalidate)(declared, rule.ids(instance))

    signals: list[tuple[ModelSignal, Any]] = [(post_save, saved), (post_delete, deleted)]
    for signal, receiver in signals:
        signal.connect(receiver, sender=rule.model, dispatch_uid=uid, weak=False)
        declared.receivers.append((signal, uid, rule.model))
