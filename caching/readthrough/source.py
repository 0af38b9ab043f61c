"""A source of entries: a policy, the loader that knows the truth, and the register of them all by namespace.

A task names its source by namespace, so a worker can load what a web process found stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caching import metrics
from caching.clock import Clock, system_ms
from caching.entries.policy import Policy
from caching.entries.store import Store
from caching.keys import Id
from caching.readthrough.load_times import LoadTimes


@dataclass(frozen=True, slots=True)
class Load:
    """What a loader found: rendered bodies by id (an id without one does not exist) and, for counted rows, their
    totals with the buckets that those totals already hold, all from one snapshot of the database."""

    bodies: Mapping[Id, bytes]
    totals: Mapping[Id, int] = field(default_factory=dict)
    applied: frozenset[tuple[int, int]] = frozenset()


# Takes ids and asks the database once.
Loader = Callable[[Sequence[Id]], Load]


class Source:
    """Entries of one namespace: where they are stored, how they are loaded, and how that has been going."""

    def __init__(self, policy: Policy, loader: Loader, clock: Clock = system_ms) -> None:
        self.policy = policy
        self.loader = loader
        self.store = Store(policy, clock)
        self.load_times = LoadTimes(policy.lease)
        self._reads: dict[str, Any] = {}

    def count_read(self, result: str, amount: int = 1) -> None:
        """Count keys that were read, by what was found."""
        series = self._reads.get(result)
        if series is None:
            series = self._reads[result] = metrics.READS.labels(self.policy.namespace, result)
        series.inc(amount)


_sources: dict[str, Source] = {}


def register(source: Source) -> Source:
    """Make a source known by its namespace. Raises ValueError if another one has it."""
    namespace = source.policy.namespace
    if namespace in _sources:
        raise ValueError(f"namespace {namespace!r} is registered twice")
    _sources[namespace] = source
    return source


def registered(namespace: str) -> Source:
    """Return the source of a namespace. Raises KeyError with the known ones."""
    try:
        return _sources[namespace]
    except KeyError:
        raise KeyError(f"no namespace {namespace!r}; there are {', '.join(sorted(_sources))}") from None


def namespaces() -> list[str]:
    """Return the names of all registered namespaces."""
    return sorted(_sources)
