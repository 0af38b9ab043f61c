"""What is told of an offer, and what a backend that tells it has to be."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Party:
    """A buyer or a seller; `email` is empty if they have none."""

    id: int
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it is told.

    `id` is the same at each attempt, and also after the database was restored and the event happened again: what a
    receiver knows by that id is nothing new. `event` is the number of its row. Amounts are exact decimal strings,
    times are RFC 3339 in UTC. `claimed_at` is when the event was taken up for this attempt, by the database's clock;
    `told` is the one party that an earlier attempt has reached, if there is one.
    """

    id: str
    event: int
    kind: str
    at: str
    offer: int
    status: str
    expires_at: str
    amount: str
    currency: str
    product: int
    title: str
    buyer: Party
    seller: Party
    claimed_at: str
    notified: str = ""


class Result(enum.Enum):
    """What became of an attempt: told, to be tried again, in vain for ever, or without anybody to tell."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    NO_RECIPIENT = "no_recipient"


class Outcome(NamedTuple):
    """The result of an attempt; if it is not delivered, why, and which one of the two parties knows all the same."""

    result: Result
    error: str = ""
    notified: str = ""


DELIVERED = Outcome(Result.DELIVERED)


class Backend(Protocol):
    """Tells events to somebody outside. As a context it may keep a connection from one message to the next.

    `deliver` says by its outcome what happened. What it raises counts as failed. It must come to an end in seconds.
    """

    def __enter__(self) -> Backend:
        """Begin a run of deliveries; nothing need be connected yet."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what is connected."""
        ...

    def deliver(self, message: Message) -> Outcome:
        """Tell one event."""
        ...
