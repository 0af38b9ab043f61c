"""The judge: finds reads that showed an older version than they had to, and what happened to their rows."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import NamedTuple

from tests.faults.random_run.log import Record, What
from tests.faults.random_run.members import FAULTS

# If a writer was killed before its write returned, readers may miss the write for this long after, in ns.
HEALED_NS = 3_000_000_000
_BEFORE_NS = 300_000_000
_LINES = 80


class Stale(NamedTuple):
    """A read, and the write that it should have shown."""

    read: Record
    write: Record


class Judge:
    """Computes from when on each version must be seen, which is when it is due.

    A version is due when its write has returned. If the writer was killed before that, but its transaction had
    committed, the version is due HEALED_NS after the kill.
    """

    def __init__(self, records: Iterable[Record], final: Mapping[int, int]) -> None:
        self._records = sorted(records, key=lambda record: record.ended)
        self._deaths = {record.version: record.ended for record in self._all(What.KILLED)}
        self.answered = self._all(What.ANSWERED)
        self.unanswered = self._unanswered(final)
        self._due = self._due_by_id()

    def reads(self, what: What) -> int:
        """Return how many reads of a kind there were."""
        return len(self._all(what))

    def stale(self, what: What) -> list[Stale]:
        """Return the reads of a kind that showed an older version than was due when they began."""
        found = []
        for read in self._all(what):
            moments, newest = self._due[read.id]
            index = bisect_left(moments, read.began)
            if index and newest[index - 1].version > read.version:
                found.append(Stale(read, newest[index - 1]))
        return found

    def summary(self) -> str:
        """Return a summary of the run in numbers."""
        faults = [list(FAULTS)[record.version] for record in self._all(What.FAULT)]
        done = ", ".join(f"{name} {faults.count(name)}" for name in FAULTS)
        return (
            f"{len(self.answered)} writes answered, {len(self.unanswered)} committed by writers that were killed before"
            f" they were, {len(self._deaths)} kills\n"
            f"ours:  {self.reads(What.READ)} reads, {len(self.stale(What.READ))} stale\n"
            f"plain: {self.reads(What.PLAIN_READ)} reads, {len(self.stale(What.PLAIN_READ))} stale\n"
            f"faults: {done}"
        )

    def story(self, stale: Stale) -> str:
        """Return what happened to a row from shortly before the write until the stale read, in ms before the read."""
        since, until = stale.write.began - _BEFORE_NS, stale.read.ended
        during = [record for record in self._records if since <= record.ended <= until and self._matters(record, stale)]
        lines = [_line(record, stale.read.began) for record in during]
        return "\n".join([f"row {stale.read.id} should have shown {stale.write.version}:", *lines[-_LINES:]])

    def _matters(self, record: Record, stale: Stale) -> bool:
        return record.what in (What.KILLED, What.FAULT) or record.id == stale.read.id

    def _all(self, what: What) -> list[Record]:
        return [record for record in self._records if record.what is what]

    def _unanswered(self, final: Mapping[int, int]) -> list[Record]:
        """Return the writes that committed although their writer was killed before they returned.

        A version that was rolled back is used again, so the last write of a version is the one that committed.
        """
        last = {(record.id, record.version): record for record in self._all(What.WRITING)}
        for record in self.answered:
            last.pop((record.id, record.version))
        return [record for record in last.values() if record.version <= final[record.id]]

    def _due_by_id(self) -> dict[int, tuple[list[int], list[Record]]]:
        """Return by id the moments at which a version became due, and the newest version due from each moment on."""
        due: dict[int, list[tuple[int, Record]]] = defaultdict(list)
        for record in self.answered:
            due[record.id].append((record.ended, record))
        for record in self.unanswered:
            due[record.id].append((self._deaths[record.process] + HEALED_NS, record))
        found: dict[int, tuple[list[int], list[Record]]] = defaultdict(lambda: ([], []))
        for id, moments in due.items():
            moments.sort(key=lambda pair: pair[0])
            newest = accumulate((record for _, record in moments), lambda a, b: max(a, b, key=lambda r: r.version))
            found[id] = [moment for moment, _ in moments], list(newest)
        return found


def _line(record: Record, zero: int) -> str:
    began, ended = ((moment - zero) / 1e6 for moment in (record.began, record.ended))
    detail = f"version {record.version}"
    if record.what is What.FAULT:
        detail = list(FAULTS)[record.version]
    elif record.what is What.KILLED:
        detail = f"process {record.version}"
    return f"{began:10.1f} .. {ended:8.1f} ms  process {record.process:3}  {record.what.name.lower():10}  {detail}"
