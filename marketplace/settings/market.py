"""The marketplace's own numbers: currencies, offers, counters, TTLs and retention."""

from __future__ import annotations

from marketplace.settings.env import env, number

DEFAULT_CURRENCY: str = env.str("DEFAULT_CURRENCY", default="EUR")

VIEW_HISTORY_DAYS: int = number("VIEW_HISTORY_DAYS", 30, least=0)

OFFER_MIN_SECONDS: int = 60
OFFER_MAX_SECONDS: int = 30 * 24 * 3600
OFFER_DEFAULT_SECONDS: int = number("OFFER_DEFAULT_SECONDS", 86_400, OFFER_MIN_SECONDS, OFFER_MAX_SECONDS)

# Seconds after which a feed page is refreshed, and after which it is no longer served.
FEED_SOFT_TTL: float = number("FEED_SOFT_TTL", 15.0, least=0)
FEED_HARD_TTL: float = number("FEED_HARD_TTL", 30.0, least=0)

# Hours after which a view weighs half as much in the ranking of trending products.
TRENDING_HALF_LIFE_HOURS: float = number("TRENDING_HALF_LIFE_HOURS", 6.0, least=0.001)
