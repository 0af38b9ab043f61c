"""Counting views: what is one, how many PostgreSQL takes while Redis is away, and when a backlog is an alarm."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.env import env


def _not_negative(name: str, default: int) -> int:
    value: int = env.int(name, default=default)
    if value < 0:
        raise ImproperlyConfigured(f"{name} is {value}; set it to 0 or more, {default} is the default.")
    return value


# Seconds within which a visitor's views of a product count once; 0 counts each.
VIEW_WINDOW_SECONDS: int = _not_negative("VIEW_WINDOW_SECONDS", 0)
VIEW_SKIP_BOTS: bool = env.bool("VIEW_SKIP_BOTS", default=False)
VIEW_SKIP_SELLER: bool = env.bool("VIEW_SKIP_SELLER", default=False)
# Days for which the unique visitors of a product's day are kept; 0 keeps none.
VIEW_UNIQUE_DAYS: int = _not_negative("VIEW_UNIQUE_DAYS", 0)

# Rows that PostgreSQL takes while Redis is away: up to eight a product and hour.
COUNTER_SPILL_ROWS: int = _not_negative("COUNTER_SPILL_ROWS", 1_000_000)
# A backlog that is older or larger than this is an alarm.
COUNTER_ALARM_SECONDS: int = _not_negative("COUNTER_ALARM_SECONDS", 60)
COUNTER_ALARM_MB: int = _not_negative("COUNTER_ALARM_MB", 256)
