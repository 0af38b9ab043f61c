"""An offer's history for the admin: each event with its time, actor and delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offers.admin import deliveries
from offers.admin.people import actor_label
from offers.formatting import moment
from offers.models import OfferEvent

# A limit, since a buyer can extend an offer any number of times.
MAX_EVENTS = 200
_UNTIL = {OfferEvent.Kind.MADE, OfferEvent.Kind.EXTENDED}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event as text."""

    when: str
    what: str
    who: str
    delivery: str


def history_of(offer_id: int, link: bool) -> Sequence[HistoryEntry]:
    """Return the last events of an offer, oldest first, from one query; `link` says whether actors are links."""
    newest = OfferEvent.objects.filter(offer=offer_id).select_related("actor").order_by("-id")[:MAX_EVENTS]
    return [
        HistoryEntry(moment(event.at), event_label(event), actor_label(event, link), deliveries.delivery_label(event))
        for event in newest
    ][::-1]


def event_label(event: OfferEvent) -> str:
    """Return the event as text, as in `Extended until 2026-11-25 14:03:22 UTC`."""
    kind = event.get_kind_display()
    if event.kind == OfferEvent.Kind.REMINDER:
        return f"{kind} of its end at {moment(event.expires_at)}"
    return f"{kind} until {moment(event.expires_at)}" if event.kind in _UNTIL else kind
