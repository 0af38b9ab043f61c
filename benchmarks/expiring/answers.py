"""An answer about an offer near its end, and whether it contradicts the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an offer was alive when it was read or accepted, by the database's clock before and after that.

    `closed_at` is when it was accepted, and None if it was not.
    """

    end: datetime
    before: datetime
    after: datetime
    alive: bool
    closed_at: datetime | None = None

    @property
    def late(self) -> timedelta:
        """For how long, at least, an offer read as alive had been dead; zero or less means not late."""
        if not self.alive:
            return _NOTHING
        return max(self.before, self.closed_at or self.before) - self.end

    @property
    def contradicts(self) -> bool:
        """Whether the answer contradicts the clock: an offer is dead from its end on, and alive before."""
        if not self.alive:
            return self.after < self.end
        return self.before >= self.end or (self.closed_at is not None and self.closed_at >= self.end)


def largest_ms(answers: list[Answer]) -> float:
    """Return the ms by which the worst answer was late."""
    return max(max(answer.late, _NOTHING) / timedelta(milliseconds=1) for answer in answers)
