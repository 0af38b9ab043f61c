"""What users keep in the cache: the rendered public user, and when it is invalidated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
from django.db import connection

from caching.entries.policy import Policy
from caching.keys import Id
from caching.readthrough.invalidation import invalidate
from caching.readthrough.source import Load, Source, register
from caching.readthrough.warming import Warmer
from caching.readthrough.warming import register as register_warmer
from marketplace.accounts.models import User

# The members of the public user, in the order of the answer.
PUBLIC_FIELDS = ("id", "username", "display_name", "date_joined")
# What makes a saved user look different from outside.
_SHOWN = frozenset({*PUBLIC_FIELDS, "is_active"})


# Written out, since a loader is what a miss waits for, and the ORM takes longer to put this together than it runs.
_LOAD = "SELECT id, username, display_name, date_joined FROM accounts_user WHERE id = ANY(%s) AND is_active"


def load_users(ids: Sequence[Id]) -> Load:
    """Load active users in one query; an inactive one does not exist for anybody else."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [[int(id) for id in ids]])
        rows = cursor.fetchall()
    return Load({row[0]: _render(row) for row in rows})


def _render(row: Sequence[Any]) -> bytes:
    return orjson.dumps(dict(zip(PUBLIC_FIELDS, row, strict=True)), option=orjson.OPT_UTC_Z)


users = register(Source(Policy("user", soft_ttl=900, hard_ttl=24 * 3600, negative_ttl=10), load_users))


def newest_users(limit: int) -> Iterable[Id]:
    """Yield ids of active users, newest first: what `warm_cache users` warms."""
    return User.objects.filter(is_active=True).order_by("-id").values_list("id", flat=True)[:limit].iterator()


register_warmer(Warmer("users", users, newest_users))


def invalidate_users(ids: Iterable[int]) -> None:
    """Forget users once the transaction that changed them has committed. Bulk writes call this by hand."""
    invalidate(users, ids)


def forget_saved(instance: User, update_fields: Collection[str] | None, **_: Any) -> None:
    """Receive post_save. A login saves `last_login` alone, which nobody else sees."""
    if update_fields is None or not _SHOWN.isdisjoint(update_fields):
        invalidate_users([instance.pk])


def forget_deleted(instance: User, **_: Any) -> None:
    """Receive post_delete."""
    invalidate_users([instance.pk])
