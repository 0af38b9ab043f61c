"""A backend that records messages, and helpers of tests that run the job with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from offers.clock import database_now
from offers.delivery.base import DELIVERED, Message, Outcome, Result
from offers.delivery.courier import deliver_offer_events
from offers.models import OfferEvent
from tests.factories import OfferEventFactory, OfferFactory

FAILED = Outcome(Result.FAILED, "answered 500")


REFUSED = Outcome(Result.REFUSED, "answered 410")


NOTHING = {"delivered": 0, "failed": 0, "given_up": 0, "obsolete": 0, "waiting": 0}


class RecordingBackend:
    """A backend that records messages, and answers by offer; an exception among the answers is raised."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: dict[int, Outcome | BaseException] = {}
        self.always: Outcome = DELIVERED

    def __enter__(self) -> RecordingBackend:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, message: Message) -> Outcome:
        self.messages.append(message)
        answer = self.answers.get(message.offer, self.always)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def due(number: int, **values: Any) -> list[OfferEvent]:
    """Return expiries that are due, each of an offer of its own, the oldest first."""
    now = database_now()
    offers = [OfferFactory(created_at=now - timedelta(days=9, seconds=-place)) for place in range(number)]
    return [OfferEventFactory(offer=offer, due_at=now, **values) for offer in offers]


def deliver(*arguments: Any) -> dict[str, Any]:
    """Run the job and return its statistics; check that there is an age if and only if events wait."""
    stats = deliver_offer_events(*arguments)
    assert (stats.pop("oldest_seconds") > 0) == (stats["waiting"] > 0)
    return stats


def counts(**some: Any) -> dict[str, Any]:
    """Return the statistics of a run in which everything else is zero."""
    return {**NOTHING, **some}


def values(events: Sequence[OfferEvent], field: str) -> list[Any]:
    """Return a field of events as the database has it."""
    for event in events:
        event.refresh_from_db()
    return [getattr(event, field) for event in events]
