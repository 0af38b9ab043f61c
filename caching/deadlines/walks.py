"""Two walks over an expiry index and its table: one enters what the index lacks, one corrects what the index has.

Neither disturbs concurrent writers: the first overwrites nothing, and the second changes a score by compare-and-set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from caching.deadlines.index import DeadlineFamily
from caching.deadlines.shards import to_ms
from caching.deadlines.table import Deadline, DeadlineTable


@dataclass(slots=True)
class Repair:
    """What a repair did: members entered, given another deadline, removed; `complete` is False if time ran out
    while it was still finding faults."""

    entered: int = 0
    moved: int = 0
    removed: int = 0
    complete: bool = True


class Page(NamedTuple):
    """A finished page of a walk: the bookmark where the next one begins (None at the end), how many rows or members it
    had, and how many of them were wrong."""

    following: str | None
    size: int
    faults: int


def enter_missing(
    family: DeadlineFamily, table: DeadlineTable, done: Repair, place: str | None, limit: int
) -> Iterator[Page]:
    """Walk over the table in order of its deadlines, `limit` rows at a time, and enter what the index lacks."""
    after = _row_at(place)
    while True:
        page = table.page(after, limit)
        entered = family.put_missing(page)
        done.entered += entered
        after = page[-1] if len(page) == limit else None
        yield Page(f"{after.id}@{after.at.isoformat()}" if after else None, len(page), entered)
        if after is None:
            return


def correct_wrong(
    family: DeadlineFamily, table: DeadlineTable, done: Repair, place: str | None, limit: int
) -> Iterator[Page]:
    """Walk over the index, shard by shard, about `limit` members at a time, and correct what the table contradicts."""
    shard, cursor = _position_at(place, family.shards)
    while shard < family.shards:
        cursor, members = family.scan(shard, cursor, limit)
        ids = [family.id_of(member) for member in members]
        known = table.deadlines_of([id for id in ids if id is not None])
        scores = {id: to_ms(at) for id, at in known.items()}
        wrong = [
            member for id, member in zip(ids, members, strict=True) if id is None or scores.get(id) != member.score
        ]
        corrected = family.correct(wrong, known)
        done.moved += corrected.moved
        done.removed += corrected.removed
        shard += not cursor
        yield Page(f"{shard}:{cursor}" if shard < family.shards else None, len(members), len(wrong))


# A bookmark is only a hint. A damaged one starts the walk again.
def _row_at(place: str | None) -> Deadline | None:
    id, found, at = (place or "").partition("@")
    try:
        return Deadline(datetime.fromisoformat(at), int(id)) if found else None
    except ValueError:
        return None


def _position_at(place: str | None, shards: int) -> tuple[int, int]:
    shard, _, cursor = (place or "").partition(":")
    # A cursor has at most 20 digits; int() accepts that many.
    if not all(part.isdecimal() and len(part) <= 20 for part in (shard, cursor)) or int(shard) >= shards:
        return 0, 0
    return int(shard), min(int(cursor), 2**64 - 1)
