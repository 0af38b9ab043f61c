"""The message of an event, the outcome of an attempt to deliver it, and the protocol of backends."""

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
    """An event to deliver.

    `id` is an idempotency key: it is the same at each attempt, and also if the database was restored and the event
    happened again. `event` is the id of the row. Amounts are exact decimal strings, times are RFC 3339 in UTC.
    `claimed_at` is when the event was claimed for this attempt, by the database's clock. `notified` is the party
    (buyer or seller) that an earlier attempt reached while the other was not; else empty.
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
    """The result of an attempt: delivered, to be retried, refused for good, or without a recipient."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    NO_RECIPIENT = "no_recipient"


class Outcome(NamedTuple):
    """The result of an attempt. If it failed: the error, and the one party that was notified nevertheless."""

    result: Result
    error: str = ""
    notified: str = ""


DELIVERED = Outcome(Result.DELIVERED)


class Backend(Protocol):
    """Delivers events. It is a context manager, so that it can keep a connection between messages.

    `deliver` must return within seconds. An exception that it raises counts as a failed attempt.
    """

    def __enter__(self) -> Backend:
        """Begin a run of deliveries. A connection need not be opened yet."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection, if there is one."""
        ...

    def deliver(self, message: Message) -> Outcome:
        """Deliver one event."""
        ...
