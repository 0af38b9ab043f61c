"""Declaring a resource: its policy, its loader, and the row changes that invalidate its entries.

A declaration is in the `cache.py` of its owner, which `caching` imports in every process as Django's admin imports
`admin.py`. So a worker or a command has the same resources as the web.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models import CharField, IntegerField, Model
from django.db.models.signals import ModelSignal, post_save, pre_delete

from caching.counters.family import CounterFamily
from caching.entries.policy import Policy
from caching.readthrough.forget import Change, Forget
from caching.readthrough.invalidation import forget, invalidate
from caching.readthrough.loader import Loader, WorthWarming
from caching.readthrough.resource import Resource, registry


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
    `warm_name`. Raises ValueError for a namespace that is taken, ValueError or TypeError for a rule or a model that
    cannot work, and ImproperlyConfigured if `caching` is not installed.
    """
    rules = list(forget_on)
    if rows is not None and all(rule.model is not rows for rule in rules):
        rules.append(Forget(rows))
    _check(policy.namespace, loader, rows, family, rules)
    declared = registry.add(Resource(policy, loader, family, warm, warm_name))
    for number, rule in enumerate(rules):
        _connect(declared, rule, f"caching.{policy.namespace}.{number}", gone=rule.model is rows)
    return declared


def _check(
    namespace: str, loader: Any, rows: type[Model] | None, family: CounterFamily | None, rules: Sequence[Forget]
) -> None:
    if apps.apps_ready and not apps.is_installed("caching"):
        raise ImproperlyConfigured(f"resource {namespace!r} needs the app: add 'caching' to INSTALLED_APPS")
    if not callable(loader):
        raise TypeError(f"the loader of {namespace!r} is {loader!r}; it must be a function that takes ids")
    for rule in rules:
        rule.check()
    if rows is None:
        return
    key: Any = rows._meta.pk
    while key.remote_field:
        key = key.target_field
    if not isinstance(key, IntegerField if family else (IntegerField, CharField)):
        wanted = "a number, to be counted" if family else "a number or text"
        raise TypeError(f"the key of {rows.__name__} is a {type(key).__name__}; for an id it must be {wanted}")


def withdraw(declared: Resource) -> None:
    """Undo a declaration, for tests that declare a resource of their own."""
    for signal, uid, sender in declared.receivers:
        signal.disconnect(sender=sender, dispatch_uid=uid)
    registry.remove(declared.policy.namespace)


def _connect(declared: Resource, rule: Forget, uid: str, gone: bool) -> None:
    def saved(instance: Any, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
        if rule.concerns(Change.CREATED if created else Change.UPDATED, update_fields):
            invalidate(declared, rule.ids_of(instance))

    def deleted(instance: Any, **_: Any) -> None:
        if rule.concerns(Change.DELETED):
            (forget if gone else invalidate)(declared, rule.ids_of(instance))

    # Before the deletion, while the row still has its relations: a rule may need them to find the ids. Django deletes
    # in a transaction, and nothing is forgotten before that commits.
    signals: list[tuple[ModelSignal, Any]] = [(post_save, saved), (pre_delete, deleted)]
    for sender in _senders(rule.model):
        for signal, receiver in signals:
            signal.connect(receiver, sender=sender, dispatch_uid=uid, weak=False)
            declared.receivers.append((signal, uid, sender))


def _senders(model: type[Model]) -> list[type[Model]]:
    """Return the model, its proxies and its children: Django's signals name the exact class of a row."""
    others = apps.get_models() if apps.models_ready else []
    return [model, *(each for each in others if issubclass(each, model) and each is not model)]
