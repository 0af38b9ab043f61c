"""Invalidation that follows commit: the first request after the write was answered reads the new value."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from django.db import transaction

from caching.keys import Id
from caching.source import Source
from caching.store import StoreUnavailable

logger = logging.getLogger(__name__)


def invalidate(source: Source, ids: Iterable[Id]) -> None:
    """Delete entries, and with their leases whatever is being loaded for them, once the transaction has committed.

    Outside a transaction this happens at once. A rollback, of a savepoint too, invalidates nothing.
    `QuerySet.update` and bulk writes fire no signal, so their authors call this by hand.
    """
    wanted = list(dict.fromkeys(ids))
    if wanted:
        transaction.on_commit(_deletion(source, wanted), robust=True)


def _deletion(source: Source, ids: list[Id]) -> Callable[[], None]:
    def delete() -> None:
        try:
            source.store.invalidate(ids)
        except StoreUnavailable:
            # The write stands and must not be answered with an error; the entries live on to their TTL.
            logger.error("%d %s entries could not be invalidated", len(ids), source.policy.namespace)

    return delete
