"""The truth that caches are filled from, with the time of a load and a tally of loads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# As long as a product's JSON.
TEXT = "A sturdy table of oiled oak, seats six, some marks of use on the top. " * 8


class Loader:
    """Loads versions of things. Each load of any process appends one byte to the tally."""

    def __init__(self, tally: Path, seconds: float, version: int = 1) -> None:
        self.seconds = seconds
        self.version = version
        # Called between load and store, where a slow reader can be overtaken.
        self.pause: Callable[[], None] | None = None
        self._tally = tally
        self._versions: dict[int, int] = {}

    def __call__(self, id: int) -> dict[str, Any]:
        found = value(self._versions.get(id, self.version))
        self.loaded([id])
        return found

    def loaded(self, ids: Sequence[int]) -> None:
        """Count a load of these ids, and sleep for the time of a load."""
        descriptor = os.open(self._tally, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b"." * len(ids))
        os.close(descriptor)
        time.sleep(self.seconds)
        if self.pause is not None:
            self.pause()

    def change(self, id: int, version: int) -> None:
        self._versions[id] = version

    def loads(self) -> int:
        """Return the number of ids loaded so far."""
        return self._tally.stat().st_size if self._tally.exists() else 0


def value(version: int) -> dict[str, Any]:
    """Return the cached value of a thing."""
    return {"version": version, "text": TEXT}
