"""Invalidation after commit: the first request after the write was answered reads the new value.

The journal makes it survive an outage of Redis, and the death of the writer between its commit and the invalidation
(docs/decisions/0006).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence

from django.db import transaction

from caching.entries.erasure import erase, erase_all
from caching.entries.journal import TRUST_SECONDS, journal
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.resource import Resource, registry
from caching.transactions import in_transaction

logger = logging.getLogger(__name__)
_thread = threading.local()


class _Commit:
    """The state that the invalidations of one commit share: whether it is over, and whether one of them has waited."""

    over = False
    has_waited = False


def invalidate(resource: Resource, ids: Iterable[Id]) -> None:
    """Delete entries and their leases once the transaction has committed, so that no load under way can be stored.

    Outside a transaction this happens at once. A rollback, of a savepoint too, invalidates nothing.
    `QuerySet.update` and bulk writes send no signal: call this after them.
    While Redis is away it does not fail but takes TRUST_SECONDS. The journal keeps it, and no process reads the entries
    from Redis before it was replayed. Raises TypeError for a name instead of a resource, and for rows instead of
    ids.
    """
    if not isinstance(resource, Resource):
        raise TypeError(f"pass the resource itself, not {resource!r}")
    wanted = list(dict.fromkeys(ids))
    if not all(isinstance(id, (int, str)) for id in wanted):
        raise TypeError(f"ids are numbers or texts, not {wanted[:3]!r}")
    if wanted:
        _after_commit(resource.policy.namespace, wanted)


def forget(resource: Resource, ids: Iterable[Id]) -> None:
    """Invalidate entries whose rows were deleted, and stop counting them, once the transaction has committed."""
    wanted = list(ids)
    invalidate(resource, wanted)
    family = resource.family
    if family is not None:
        transaction.on_commit(lambda: family.forget(map(int, wanted)), robust=True)


def clear(namespace: str) -> None:
    """Make every entry of a namespace a miss, in O(1), once the transaction has committed.

    Nothing else is touched. Raises UnknownNamespace for a namespace that is not declared in this process.
    """
    _after_commit(registry.get(namespace).policy.namespace, None)


def _after_commit(namespace: str, ids: Sequence[Id] | None) -> None:
    if in_transaction():
        record = journal.record(namespace, ids)
        commit = _current_commit()
        # Not a partial: Django needs the __qualname__ of a robust hook when it logs its error.
        transaction.on_commit(lambda: _erase(namespace, ids, commit, record), robust=True)
    else:
        _erase(namespace, ids, _Commit())


def _erase(namespace: str, ids: Sequence[Id] | None, commit: _Commit, record: int | None = None) -> None:
    commit.over = True
    try:
        erase_all(namespace) if ids is None else erase(namespace, ids)
    except StoreUnavailable:
        if record is None:
            journal.record(namespace, ids)
        logger.warning("an invalidation of %s is kept in the journal until Redis answers", namespace)
        if not commit.has_waited:
            commit.has_waited = True
            time.sleep(TRUST_SECONDS)
    else:
        if record is not None:
            journal.delete([record])


def _current_commit() -> _Commit:
    commit: _Commit | None = getattr(_thread, "commit", None)
    if commit is None or commit.over:
        commit = _thread.commit = _Commit()
    return commit
