"""Repair of an expiry index from its table: what is missing is entered, what is wrong is put right.

Two walks, each resumed where it stopped last time: over the table to find what the index lacks, over the
index to find what the table contradicts. A walk goes on while it keeps finding faults, so a wiped index is
filled in one run, and a healthy one of millions costs a bounded slice of each run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from caching.deadlines import DeadlineFamily, Member, to_ms

# Rows of one page: one short statement and one short command.
PAGE = 1000

Deadline = tuple[int, datetime]


class Truth(Protocol):
    """What the table knows of live deadlines."""

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are live."""

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return live deadlines in order of (deadline, id), those after `after` only."""


@dataclass(slots=True)
class Repair:
    """What a repair did: members entered, given another deadline, removed; `complete` is False if time ran out
    while it was still finding faults."""

    entered: int = 0
    moved: int = 0
    removed: int = 0
    complete: bool = True


class Budget:
    """Whether a walk goes on: for `slice` seconds in any case, up to `limit` seconds while it finds faults."""

    def __init__(self, slice: float, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        start = clock()
        self._slice, self._limit = start + slice, start + limit

    def allows(self, faults: int) -> bool:
        """Whether there is time for another page after one that had this many faults."""
        return self._clock() < (self._limit if faults else self._slice)


def repair(family: DeadlineFamily, truth: Truth, budget: Callable[[], Budget]) -> Repair:
    """Walk both ways, each within a budget of its own; return what was done. Raises when Redis is away."""
    done = Repair()
    done.removed += family.discard_foreign()
    if family.bookmark("table") is not None:
        # Wherever the walk stands: what falls due next matters most.
        done.entered += family.put_missing(truth.page(None, PAGE))
    for name, walk in (("table", _enter_missing), ("index", _sift)):
        done.complete &= not _go(family, name, budget(), partial(walk, family, truth, done))
    return done


Page = tuple[str | None, int]


def _go(family: DeadlineFamily, name: str, budget: Budget, walk: Callable[[str | None], Iterator[Page]]) -> bool:
    """Follow a walk from its bookmark to the end, then once from the start; say whether it stopped amid faults."""
    start = family.bookmark(name)
    for place in [start, None] if start is not None else [None]:
        for following, faults in walk(place):
            family.set_bookmark(name, following)
            if following is not None and not budget.allows(faults):
                return faults > 0
    return False


def _enter_missing(family: DeadlineFamily, truth: Truth, done: Repair, place: str | None) -> Iterator[Page]:
    after = _parse(place)
    while True:
        page = truth.page(after, PAGE)
        entered = family.put_missing(page)
        done.entered += entered
        after = (page[-1][0], page[-1][1]) if len(page) == PAGE else None
        yield (f"{after[0]}@{after[1].isoformat()}" if after else None), entered
        if after is None:
            return


def _sift(family: DeadlineFamily, truth: Truth, done: Repair, place: str | None) -> Iterator[Page]:
    cursor = int(place) if place and place.isdigit() else 0
    while True:
        cursor, members = family.scan(cursor, PAGE)
        known = truth.deadlines_of([member.id for member in members if member.id is not None])
        wrong = [member for member in members if _contradicts(member, known)]
        settled = family.settle(wrong, known)
        done.moved += settled.moved
        done.removed += settled.removed
        yield (str(cursor) if cursor else None), len(wrong)
        if not cursor:
            return


def _contradicts(member: Member, known: Mapping[int, datetime]) -> bool:
    at = known.get(member.id) if member.id is not None else None
    return at is None or member.score != to_ms(at)


def _parse(place: str | None) -> Deadline | None:
    id, found, at = (place or "").partition("@")
    try:
        return (int(id), datetime.fromisoformat(at)) if found else None
    except ValueError:
        # A bookmark is only a hint; a damaged one means starting over.
        return None
