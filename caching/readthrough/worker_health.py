"""Whether workers run the refreshes that this process sends. If not, readers refresh entries themselves."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from caching.keys import Id

# For how long readers refresh by themselves before refreshes are sent to workers again.
_ABSENT_SECONDS = 10.0
# After one reader of a stale entry has requested its lease, the others do not for this long.
_ASKED_MS = 250
# How many refreshes are remembered; the first few already show that no worker runs.
_REMEMBERED = 1000


class WorkerHealth:
    """Whether a worker seems to run the refreshes that this process sends. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.start_afresh()

    def start_afresh(self) -> None:
        """Remember nothing, as in a new process."""
        self._absent_until = 0.0
        self._sent: OrderedDict[tuple[str, Id], int] = OrderedDict()
        self._asked: dict[tuple[str, Id], tuple[int, int]] = {}

    def should_request(self, namespace: str, id: Id, loaded_ms: int, now_ms: int) -> bool:
        """Return whether to request the lease of a stale entry: not right after another reader of this process did.

        Only one of them can get it, and the round trips of all the others would delay each other. `loaded_ms` is when
        the entry was loaded.
        """
        key = (namespace, id)
        asked, until_ms = self._asked.get(key, (0, 0))
        if asked == loaded_ms and now_ms < until_ms:
            return False
        if len(self._asked) >= _REMEMBERED:
            self._asked.clear()
        self._asked[key] = (loaded_ms, now_ms + _ASKED_MS)
        return True

    def seems_absent(self) -> bool:
        return self._clock() < self._absent_until

    def note_missing(self) -> None:
        """Record that a refresh could not be sent, or was not run."""
        self._asked.clear()
        self._absent_until = self._clock() + _ABSENT_SECONDS

    def note_ran(self, namespace: str, id: Id) -> None:
        """Record that the refresh of an entry was run, although it failed."""
        self._sent.pop((namespace, id), None)

    def should_enqueue(self, namespace: str, id: Id, loaded_ms: int) -> bool:
        """Return whether to send the refresh of an entry; False if the last one sent for it was never run.

        Call it while holding the entry's lease. Getting that lease a second time for the same stale value means that
        the first refresh never ran.
        """
        if self.seems_absent():
            return False
        key = (namespace, id)
        if self._sent.pop(key, None) == loaded_ms:
            self.note_missing()
            return False
        self._sent[key] = loaded_ms
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        return True


worker_health = WorkerHealth()
