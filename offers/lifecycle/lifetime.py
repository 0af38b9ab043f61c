"""The requested lifetime of an offer: until a time, or for a number of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from offers.formatting import exact_duration
from products.errors import InvalidInput

# A client that asks for the minimum by its own clock loses the time that the request takes to arrive.
TOLERANCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The requested end; `expires_in` is in seconds from now, by the database's clock."""

    expires_at: datetime | None = None
    expires_in: int | None = None

    @property
    def field(self) -> str:
        """The name of the field that was given, for errors."""
        return "expires_at" if self.expires_at is not None else "expires_in"

    def end(self, now: datetime) -> datetime:
        """Return the time of expiry. Raises InvalidInput if it is too near or too far from `now`."""
        shortest = timedelta(seconds=settings.OFFER_MIN_SECONDS)
        longest = timedelta(seconds=settings.OFFER_MAX_SECONDS)
        end = self._end(now)
        if end < now + shortest - TOLERANCE:
            raise InvalidInput(self.field, f"An offer lives at least {exact_duration(shortest)} from now.")
        if end > now + longest:
            raise InvalidInput(self.field, f"An offer lives at most {exact_duration(longest)} from now.")
        return end

    def _end(self, now: datetime) -> datetime:
        if self.expires_at is not None:
            return self.expires_at
        seconds = settings.OFFER_DEFAULT_SECONDS if self.expires_in is None else self.expires_in
        return now + timedelta(seconds=seconds)
