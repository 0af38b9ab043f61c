"""An offer's history as the admin shows it: what happened, when, by whom, and who outside has been told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offers.admin import deliveries
from offers.admin.people import actor_label
from offers.formatting import moment
from offers.models import OfferEvent

# A buyer may extend an offer as often as they like.
MAX_EVENTS = 200
_UNTIL = {OfferEvent.Kind.MADE, OfferEvent.Kind.EXTENDED}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event in words."""

    when: str
    what: str
    who: str
    delivery: str


def history_of(offer_id: int, link: bool) -> Sequence[HistoryEntry]:
    """Return the last events of an offer, in order, from one query; `link` is whether people are links."""
    newest = OfferEvent.objects.filter(offer=offer_id).select_related("actor").order_by("-id")[:MAX_EVENTS]
    return [
        HistoryEntry(moment(event.at), event_label(event), actor_label(event, link), deliveries.delivery_label(event))
        for event in newest
    ][::-1]


def event_label(event: OfferEvent) -> str:
    """Return what happened, as in `Extended until 2026-11-25 14:03:22 UTC`."""
    kind = event.get_kind_display()
    if event.kind == OfferEvent.Kind.REMINDER:
        return f"{kind} of its end at {moment(event.expires_at)}"
    return f"{kind} until {moment(event.expires_at)}" if event.kind in _UNTIL else kind
