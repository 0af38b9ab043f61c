"""Exponential backoff of restarts: when a process that died is started again, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass

QUICK_SECONDS = 30.0
MOST_QUICK_DEATHS = 5
FIRST_DELAY = 0.5


@dataclass
class Backoff:
    """Counts the consecutive quick deaths of one process."""

    deaths: int = 0

    def after_death(self, lived: float) -> float | None:
        """Return the delay in seconds before the next start, or None to give up; lived is in seconds."""
        self.deaths = self.deaths + 1 if lived < QUICK_SECONDS else 1
        if self.deaths >= MOST_QUICK_DEATHS:
            return None
        return float(FIRST_DELAY * 2 ** (self.deaths - 1))
