"""Offers and their events in the admin."""

from __future__ import annotations

from offers.admin.events import OfferEventAdmin
from offers.admin.offers import OfferAdmin

__all__ = ["OfferAdmin", "OfferEventAdmin"]
