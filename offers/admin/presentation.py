"""An offer as text for the admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offers.formatting import duration
from offers.models import OfferStatus
from products.money import text


@dataclass(frozen=True, slots=True)
class OfferPresenter:
    """Texts of an offer that was read through `offers.selectors`, with the time `left` annotated."""

    offer: Any

    @property
    def alive(self) -> bool:
        return bool(self.offer.effective_status == OfferStatus.ACTIVE)

    @property
    def state(self) -> str:
        return str(OfferStatus(self.offer.effective_status).label)

    @property
    def time_left(self) -> str | None:
        return duration(self.offer.left) if self.alive else None

    @property
    def money(self) -> str:
        return f"{text(self.offer.amount, self.offer.currency)} {self.offer.currency}"
