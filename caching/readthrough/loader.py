"""A loader: how a resource reads its rows, what it returns, and what is refused of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from caching.keys import Id


@dataclass(frozen=True, slots=True)
class Load:
    """What a loader found, all of it in one snapshot of the database.

    `bodies` are rendered bytes by id; an id without one does not exist. A resource with a counter family also returns
    `totals` by id and `applied`, the (shard, bucket) pairs of the buckets that the totals already include.
    """

    bodies: Mapping[Id, bytes]
    totals: Mapping[Id, int] = field(default_factory=dict)
    applied: frozenset[tuple[int, int]] = frozenset()


# Takes ids and queries the database once, for example
#     lambda ids: Load({row["id"]: orjson.dumps(row) for row in Review.objects.filter(pk__in=ids).values("id", "text")})
Loader = Callable[[Sequence[Id]], Load]
# Takes a number and returns at most that many ids, the most wanted first.
WorthWarming = Callable[[int], Iterable[Id]]


def checked(namespace: str, ids: Sequence[Id], load: Load, counted: bool) -> Load:
    """Return what a loader returned for `ids`; `counted` says that the resource has a counter family.

    Raises TypeError if it is no `Load`, if a body is not bytes, if totals to count on are missing, or if a row was
    returned under an id of another type: 1 is not "1", so the row would pass for one that does not exist.
    """
    if not isinstance(load, Load):
        raise TypeError(f"the loader of {namespace!r} returned {type(load).__name__}; it must return caching.Load")
    missing = []
    for id in ids:
        body = load.bodies.get(id)
        if body is None:
            missing.append(id)
        elif not isinstance(body, bytes):
            raise TypeError(f"the loader of {namespace!r} returned {type(body).__name__} for {id!r}; a body is bytes")
    if counted and load.bodies and not load.totals:
        raise TypeError(f"the loader of {namespace!r} returned no totals, but its resource has a counter family")
    if len(load.bodies) > len(ids) - len(missing):
        _refuse_other_types(namespace, missing, load)
    return load


def _refuse_other_types(namespace: str, missing: Sequence[Id], load: Load) -> None:
    returned = {str(id): id for id in load.bodies}
    for id in missing:
        if str(id) in returned and returned[str(id)] != id:
            raise TypeError(
                f"the loader of {namespace!r} was asked for {id!r} and returned {returned[str(id)]!r}:"
                " use one type for the ids"
            )
