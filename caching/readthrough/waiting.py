"""Single flight: wait for the load of another reader or process instead of loading the same entry again."""

from __future__ import annotations

import time
from typing import NamedTuple

from caching import metrics
from caching.entries.entry import Entry
from caching.entries.read_result import ReadResult
from caching.entries.store import Leases
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.resource import Resource

# The end of a lease wakes the waiting readers, except if the loader died or an invalidation deleted the lease. For
# these cases they also poll.
_POLL_MS = 200


class Turn(NamedTuple):
    """How a reader that found no entry goes on: with the lease, with the entry that another caller loaded, or, if the
    wait timed out, with neither. `generation` is the one read last."""

    leases: Leases
    entry: Entry | None
    generation: int


def lease_or_wait(resource: Resource, id: Id, seen: ReadResult) -> Turn:
    """Return the lease of an id; while another caller has it, wait for the entry, for at most `policy.wait` in all.

    `seen` is the read of this id alone that found nothing usable. While the loader is backed off, or Redis is away, the
    turn has neither lease nor entry.
    """
    store, wait_ms = resource.store, round(resource.policy.wait * 1000)
    deadline = time.monotonic() + resource.policy.wait
    try:
        while (entry := seen.entries.get(id)) is None:
            nothing = not seen.stored(0)
            leases = store.lease([id], ttl_ms=resource.load_times.lease_ms(), wait_ms=wait_ms, saw_nothing=nothing)
            left_ms = round((deadline - time.monotonic()) * 1000)
            if leases or leases.backed_off or left_ms <= 0:
                return Turn(leases, None, seen.generation)
            if not leases.filled:
                metrics.WAITS.labels(resource.policy.namespace).inc()
                store.wait(id, min(_POLL_MS, left_ms))
            seen = store.read([id])
    except StoreUnavailable:
        return Turn(Leases(), None, seen.generation)
    return Turn(Leases(), entry, seen.generation)
