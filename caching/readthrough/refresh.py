"""Background refresh of stale entries, and prefetch of entries that will probably be read next.

The reader takes the lease, and its token is sent with the task. So one task is sent for a key, however many readers
find it stale; and after an invalidation in between, the task's fill is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caching.entries.store import Leases
from caching.errors import StoreUnavailable
from caching.jobs.dispatch import enqueue
from caching.keys import Id
from caching.readthrough.load import load_and_fill, may_fill
from caching.readthrough.resource import Resource, registry
from caching.readthrough.worker_health import worker_health

REFRESH_TASK = "caching.tasks.refresh"


def background_lease(resource: Resource, ids: Sequence[Id]) -> Leases:
    """Return leases for a task; none in a transaction, or while Redis is away."""
    if not ids or not may_fill():
        return Leases()
    try:
        leases = resource.store.lease(ids, background=frozenset(ids))
    except StoreUnavailable:
        return Leases()
    for id in leases.backed_off:
        worker_health.note_ran(resource.policy.namespace, id)
    return leases


def refresh_later(resource: Resource, tokens: Mapping[Id, str], generation: int, task: str = REFRESH_TASK) -> None:
    """Send one task that loads and fills the leased ids. If it cannot be sent, release them, so that a reader can."""
    if not tokens:
        return
    pairs = [[id, token] for id, token in tokens.items()]
    if not enqueue(task, resource.policy.namespace, pairs, generation, expires=resource.policy.lease):
        worker_health.note_missing()
        resource.store.release(tokens)


def prefetch(resource: Resource, ids: Sequence[Id], task: str = REFRESH_TASK) -> None:
    """Send `task` to fill ids that will probably be read next, without those that are stored already."""
    if not may_fill() or worker_health.seems_absent():
        return
    try:
        found = resource.store.read(ids)
    except StoreUnavailable:
        return
    missing = [id for id in ids if id not in found.entries]
    refresh_later(resource, background_lease(resource, missing), found.generation, task)


def refresh(namespace: str, pairs: Sequence[tuple[Id, str]], generation: int) -> Mapping[Id, bytes]:
    """Load and fill leased ids, given as (id, token) pairs; return the bodies that exist, by id. Runs in the worker.

    Ids whose lease is lost by now (to an invalidation, to a reader that took it over, or to expiry) are left out,
    because their fill would be refused. Raises UnknownNamespace, and what the loader raises.
    """
    resource = registry.get(namespace)
    try:
        tokens = resource.store.renew(dict(pairs), resource.load_times.lease_ms())
    except StoreUnavailable:
        return {}
    return load_and_fill(resource, list(tokens), tokens, generation).load.bodies if tokens else {}
