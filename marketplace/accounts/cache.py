"""The cached resource of users: the rendered public user, and the changes that invalidate it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection

from caching import Forget, Id, Load, Policy, resource
from marketplace.accounts.models import User

# The members of the public user, in the order of the answer.
PUBLIC_FIELDS = ("id", "username", "display_name", "date_joined")

# Hand-written SQL: each miss waits for the loader, and the ORM would take longer than PostgreSQL (docs/caching.md).
_LOAD = f"SELECT {', '.join(PUBLIC_FIELDS)} FROM accounts_user WHERE id = ANY(%s) AND is_active"  # noqa: S608


def load_users(ids: Sequence[Id]) -> Load:
    """Load active users in one query; an inactive one does not exist for other users."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [[int(id) for id in ids]])
        rows = cursor.fetchall()
    return Load({row[0]: _render(row) for row in rows})


def newest_users(limit: int) -> Iterable[Id]:
    """Yield ids of active users, newest first: what `warm_cache users` warms."""
    return User.objects.filter(is_active=True).order_by("-id").values_list("id", flat=True)[:limit].iterator()


def _render(row: Sequence[Any]) -> bytes:
    return orjson.dumps(dict(zip(PUBLIC_FIELDS, row, strict=True)), option=orjson.OPT_UTC_Z)


users = resource(
    Policy("user", soft_ttl=900, hard_ttl=24 * 3600, negative_ttl=10),
    load_users,
    rows=User,
    # A login saves `last_login` alone, which no other user sees.
    forget_on=[Forget(User, fields={*PUBLIC_FIELDS, "is_active"})],
    warm=newest_users,
    warm_name="users",
)
