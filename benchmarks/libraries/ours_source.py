"""The source of things: rows of PostgreSQL, registered in every process that imports this, the worker too."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from django.db import connection

from benchmarks.libraries.loader import TEXT
from benchmarks.libraries.orm import TABLE
from benchmarks.libraries.peer import Place
from caching import Id, Load, Policy, resource

_place = Place.here()
LOADER = _place.loader()


def load(ids: Sequence[Id]) -> Load:
    """Return the things that exist."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, version FROM {TABLE} WHERE id = ANY(%s)", [[int(id) for id in ids]])
        rows = cursor.fetchall()
    LOADER.loaded([int(id) for id in ids])
    return Load({id: orjson.dumps({"version": version, "text": TEXT}) for id, version in rows})


THINGS = resource(Policy("laws_things", soft_ttl=_place.soft_ttl, hard_ttl=7200), load)
