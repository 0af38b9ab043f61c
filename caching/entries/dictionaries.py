"""The trained dictionaries that this process knows: the current one of a namespace, and any by its number.

They are stored in PostgreSQL (docs/decisions/0005) and looked up during reads and fills. A lookup raises nothing: a
dictionary that PostgreSQL cannot return now counts as absent. Then a fill packs without it, and an entry that needs it
is a miss.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from caching.entries.codec import NUMBER_BYTES, TrainedDictionary
from caching.errors import DATABASE_ERRORS, CodecError

if TYPE_CHECKING:
    from caching.models import Dictionary

logger = logging.getLogger(__name__)

# How long a process may go on packing with a dictionary that is no longer the newest.
POLL_SECONDS = 60.0
# How long a number that PostgreSQL does not have is not queried again.
UNKNOWN_SECONDS = 60.0
# How long no number is queried after PostgreSQL failed: a batch may hold a hundred entries of unknown numbers.
AWAY_SECONDS = 1.0
_MAX_UNKNOWN = 1000


class Registry:
    """The dictionaries that one process knows. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.after_fork()
        self.start_afresh()

    def after_fork(self) -> None:
        """Take a new lock: another thread of the parent may have held this one."""
        self._asking = threading.Lock()

    def start_afresh(self, poll_at: float = 0.0, current: Mapping[str, TrainedDictionary] | None = None) -> None:
        """Forget everything, and poll for the current ones once the clock has reached `poll_at`.

        `current` stands for the dictionaries, by namespace, that an earlier poll found.
        """
        self._poll_at = poll_at
        self._away_until = 0.0
        self._known: dict[int, TrainedDictionary] = {}
        self._current: dict[str, int] = {}
        self._unknown: dict[int, float] = {}
        for namespace, dictionary in (current or {}).items():
            self.know(dictionary)
            self._current[namespace] = dictionary.number

    def know(self, dictionary: TrainedDictionary) -> None:
        """Keep a dictionary, so that its number is not looked up."""
        self._known[dictionary.number] = dictionary

    def current(self, namespace: str) -> TrainedDictionary | None:
        """Return the dictionary that new entries of a namespace are packed with, if there is one.

        Polls PostgreSQL at most once in POLL_SECONDS, for all namespaces, in one thread. Never inside a transaction,
        which a failed query would abort.
        """
        now = self._clock()
        if now >= self._poll_at and _may_ask() and self._asking.acquire(blocking=False):
            try:
                self._poll_at = now + POLL_SECONDS
                self._poll()
            finally:
                self._asking.release()
        number = self._current.get(namespace)
        return None if number is None else self._known.get(number)

    def by_number(self, number: int) -> TrainedDictionary | None:
        """Return the dictionary of a number, or None. A number that is new to this process is queried once."""
        found = self._known.get(number)
        return found if found is not None else self._ask(number)

    def poll_soon(self) -> None:
        """Make the next fill poll for the current dictionaries, which have changed."""
        self._poll_at = 0.0
        self._unknown.clear()

    def _poll(self) -> None:
        newest = _newest()
        if newest is None:
            return
        self._learn(_stored(set(newest.values()) - self._known.keys()) or ())
        self._current = {
            namespace: number if number in self._known else self._current.get(namespace, number)
            for namespace, number in newest.items()
        }

    def _ask(self, number: int) -> TrainedDictionary | None:
        if self._is_pointless(number) or not _may_ask():
            return None
        with self._asking:
            # Another thread may have asked while this one waited.
            if number in self._known or self._is_pointless(number):
                return self._known.get(number)
            rows = _stored({number})
            if rows is None:
                self._away_until = self._clock() + AWAY_SECONDS
                return None
            self._learn(rows)
            if number not in self._known:
                self._remember_unknown(number)
        return self._known.get(number)

    def _is_pointless(self, number: int) -> bool:
        return self._clock() < max(self._away_until, self._unknown.get(number, 0.0))

    def _learn(self, rows: Iterable[tuple[int, str, bytes]]) -> None:
        for number, namespace, data in rows:
            if number_of(namespace, data) != number:
                logger.error("dictionary %08x of %s is damaged in PostgreSQL", number, namespace)
                continue
            try:
                self.know(TrainedDictionary(number, data))
            except CodecError as error:
                logger.error("dictionary %08x of %s: %s", number, namespace, error)

    def _remember_unknown(self, number: int) -> None:
        if len(self._unknown) >= _MAX_UNKNOWN:
            self._unknown.clear()
        self._unknown[number] = self._clock() + UNKNOWN_SECONDS


registry = Registry()
os.register_at_fork(after_in_child=registry.after_fork)
# Bound once, because a batch calls it for each of its entries.
by_number = registry.by_number
current = registry.current


def number_of(namespace: str, data: bytes) -> int:
    """Return the number of a dictionary.

    It is a digest, so that a number never comes to mean other data after a restored backup or a reset sequence: with
    the wrong dictionary zstd would unpack an entry to wrong bytes without noticing.
    """
    return int.from_bytes(hashlib.sha256(namespace.encode() + b"\0" + data).digest()[:NUMBER_BYTES], "big")


def keep(namespace: str, data: bytes, samples: int, raw_bytes: int, packed_bytes: int) -> Dictionary:
    """Store a dictionary and make it the current one of its namespace.

    Raises ValueError if another dictionary has its number: digests of 32 bits may collide.
    """
    from django.utils import timezone

    from caching.models import Dictionary

    measured = {"samples": samples, "raw_bytes": raw_bytes, "packed_bytes": packed_bytes}
    stored, created = Dictionary.objects.get_or_create(
        number=number_of(namespace, data), defaults={"namespace": namespace, "data": data, **measured}
    )
    if not created:
        if (stored.namespace, bytes(stored.data)) != (namespace, data):
            raise ValueError(f"{stored} has the same number: train again on other samples")
        Dictionary.objects.filter(pk=stored.pk).update(created_at=timezone.now(), **measured)
    registry.poll_soon()
    return stored


def _may_ask() -> bool:
    from django.db import transaction

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return not transaction.get_connection().in_atomic_block
    # Django refuses queries in the thread of an event loop, and a query would block the whole loop.
    return False


def _newest() -> dict[str, int] | None:
    """Return the number of the newest dictionary by namespace; None if PostgreSQL does not answer."""
    from caching.models import Dictionary

    rows = Dictionary.objects.order_by("namespace", "-created_at", "-number").distinct("namespace")
    try:
        return dict(rows.values_list("namespace", "number"))
    except DATABASE_ERRORS as error:
        logger.warning("dictionaries cannot be looked up: %s", error)
        return None


def _stored(numbers: set[int]) -> list[tuple[int, str, bytes]] | None:
    """Return (number, namespace, data) of those that are stored; None if PostgreSQL does not answer."""
    from caching.models import Dictionary

    if not numbers:
        return []
    rows = Dictionary.objects.filter(number__in=numbers).values_list("number", "namespace", "data")
    try:
        return [(number, namespace, bytes(data)) for number, namespace, data in rows]
    except DATABASE_ERRORS as error:
        logger.warning("dictionaries cannot be read: %s", error)
        return None
