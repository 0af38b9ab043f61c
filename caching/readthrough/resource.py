"""A resource: what is cached under one namespace, declared once by its owner, and the registry of them all.

A task names its resource by namespace, so a worker can load what a web process found stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import ModelSignal

from caching import metrics
from caching.clock import Clock, system_ms
from caching.counters.count import NO_COUNT, Count, NoCount
from caching.counters.counts import NO_COUNTS, Counts, NoCounts
from caching.counters.family import CounterFamily, Visit
from caching.counters.family import checked as checked_amount
from caching.entries.policy import Policy
from caching.entries.store import Store
from caching.errors import UnknownNamespace
from caching.keys import Id
from caching.readthrough.load_times import LoadTimes
from caching.readthrough.loader import Load, Loader, WorthWarming, checked


class Resource:
    """The entries of one namespace: how they are stored, loaded, counted and warmed.

    `warm` returns the ids that are worth warming; `warm_cache` fills them under `warm_name` (default: the namespace).
    """

    def __init__(
        self,
        policy: Policy,
        loader: Loader,
        family: CounterFamily | None = None,
        warm: WorthWarming | None = None,
        warm_name: str = "",
        clock: Clock = system_ms,
    ) -> None:
        self.policy = policy
        self.loader = loader
        self.family = family
        self.warm = warm
        self.warm_name = warm_name or policy.namespace
        self.store = Store(policy, clock)
        self.load_times = LoadTimes(policy.lease)
        # Declared once the apps were ready, so perhaps by a module that other processes do not import.
        self.declared_late = apps.ready
        self.receivers: list[tuple[ModelSignal, str, type[Model]]] = []
        self._reads: dict[str, Any] = {}

    @property
    def declared_in(self) -> str:
        """The module of the loader, or of the function whose answers are kept."""
        function = getattr(getattr(self.loader, "__self__", None), "__wrapped__", self.loader)
        return str(getattr(function, "__module__", type(function).__module__))

    def load(self, ids: Sequence[Id]) -> Load:
        """Load ids from the database. Raises what the loader raises, and TypeError for an answer that is none."""
        return checked(self.policy.namespace, ids, self.loader(ids), self.family is not None)

    def count(self, id: Id, amount: int = 0, visit: Visit | None = None) -> Count | NoCount:
        """Return the count that rides on a read of an id; an amount of 0 only looks the live count up.

        Raises ValueError for an amount below 0 or above a thousand million, TypeError for one without a counter family.
        """
        if self.family is None:
            return self._uncounted() if amount else NO_COUNT
        return Count(self.family, id, checked_amount(amount) if amount else 0, visit)

    def counts(self, ids: Sequence[Id]) -> Counts | NoCounts:
        """Return the live counts to read in the round trip of many entries."""
        return NO_COUNTS if self.family is None else Counts(self.family, ids)

    def increment(self, id: int, amount: int = 1, visit: Visit | None = None) -> int | None:
        """Count an id without reading it, and return the live count; None if it has no row.

        Raises IncrementRefused if neither Redis nor PostgreSQL accepted the increment, or it is unknown whether Redis
        did; ValueError for an amount below 1 or above a thousand million; TypeError without a counter family; and what
        the loader raises.
        """
        if self.family is None:
            self._uncounted()
        return Count(self.family, id, amount, visit).alone(self.load)

    def _uncounted(self) -> NoReturn:
        raise TypeError(f"{self.policy.namespace} was declared without a counter family")

    def worth_warming(self, limit: int) -> Iterable[Id]:
        """Return at most `limit` ids that are worth warming, the most wanted first."""
        return self.warm(limit) if self.warm is not None else ()

    def note_read(self, result: str, amount: int = 1) -> None:
        """Add keys that were read to the metric, by what was found."""
        series = self._reads.get(result)
        if series is None:
            series = self._reads[result] = metrics.READS.labels(self.policy.namespace, result)
        series.inc(amount)


class Registry:
    """The resources of this process by namespace."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}

    def add(self, resource: Resource) -> Resource:
        """Make a resource known by its namespace. Raises ValueError if another one has it, or is warmed by its
        name."""
        namespace = resource.policy.namespace
        if namespace in self._resources:
            first = self._resources[namespace].declared_in
            raise ValueError(f"namespace {namespace!r} is declared twice, first with a loader of {first}")
        if resource.warm is not None and resource.warm_name in self.worth_warming():
            raise ValueError(f"{resource.warm_name!r} is the warm_name of two resources")
        self._resources[namespace] = resource
        return resource

    def remove(self, namespace: str) -> None:
        """Forget a resource, for tests that declare one of their own."""
        del self._resources[namespace]

    def get(self, namespace: str) -> Resource:
        """Return the resource of a namespace. Raises UnknownNamespace, which names the known ones."""
        try:
            return self._resources[namespace]
        except KeyError:
            known = ", ".join(self.namespaces()) or "none"
            raise UnknownNamespace(f"no namespace {namespace!r}; there are {known}") from None

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces, sorted."""
        return sorted(self._resources)

    def worth_warming(self) -> dict[str, Resource]:
        """Return the resources that can be warmed, by the name that `warm_cache` has for them."""
        return {each.warm_name: each for each in self._resources.values() if each.warm is not None}


registry = Registry()
