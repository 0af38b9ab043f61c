"""The marketplace's own numbers: currencies, offers, counters, TTLs and retention."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.env import env

DEFAULT_CURRENCY: str = env.str("DEFAULT_CURRENCY", default="EUR")

VIEW_HISTORY_DAYS: int = env.int("VIEW_HISTORY_DAYS", default=30)

OFFER_DEFAULT_SECONDS: int = env.int("OFFER_DEFAULT_SECONDS", default=24 * 3600)
OFFER_MIN_SECONDS: int = 60
OFFER_MAX_SECONDS: int = 30 * 24 * 3600

# Seconds after which a feed page is refreshed, and for which it may be answered at all while nobody refreshes it.
FEED_SOFT_TTL: float = env.float("FEED_SOFT_TTL", default=15.0)
FEED_HARD_TTL: float = env.float("FEED_HARD_TTL", default=30.0)

# Hours after which a view counts half as much for what is trending.
TRENDING_HALF_LIFE_HOURS: float = env.float("TRENDING_HALF_LIFE_HOURS", default=6.0)
if TRENDING_HALF_LIFE_HOURS <= 0:
    raise ImproperlyConfigured(
        f"TRENDING_HALF_LIFE_HOURS is {TRENDING_HALF_LIFE_HOURS}; set it to more than 0 hours, 6 is the default."
    )
