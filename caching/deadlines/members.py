"""Members of an expiry index: what lies in one shard, and how a deadline becomes a score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ID = 2**63 - 1


class Member(NamedTuple):
    """A member of the index as it was seen, and the shard that it lay in."""

    name: bytes
    score: float
    shard: int = 0

    @property
    def id(self) -> int | None:
        """The id it stands for; None if it is no id at all."""
        if not self.name.isdigit() or self.name.startswith(b"0") or len(self.name) > 19:
            return None
        return number if (number := int(self.name)) <= _MAX_ID else None


class Settled(NamedTuple):
    """How many members got another score, and how many were removed."""

    moved: int
    removed: int


class Change(NamedTuple):
    """What a member's score shall become if it is still `seen`; None stands for absent."""

    name: int | bytes
    seen: float | None
    score: int | None

    def args(self) -> tuple[int | bytes, str, str]:
        """Return the arguments of the settle script."""
        seen = "" if self.seen is None else repr(self.seen)
        return self.name, seen, "" if self.score is None else str(self.score)


def to_ms(at: datetime) -> int:
    """Return the milliseconds since the epoch, rounded up: a deadline is never due in the index too early."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 - (-since.microseconds // 1000)


def members(shard: int, reply: Sequence[Any]) -> list[Member]:
    """Return the members in a reply: pairs of name and score as RESP3 has them, or names and scores in turn."""
    pairs = reply if reply and isinstance(reply[0], list) else zip(reply[::2], reply[1::2], strict=True)
    return [Member(name, float(score), shard) for name, score in pairs]
