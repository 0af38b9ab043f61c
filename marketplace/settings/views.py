"""Counting views: what counts, what PostgreSQL takes while Redis is away, and when a backlog is an alarm."""

from __future__ import annotations

from marketplace.settings.env import env, number

# Seconds within which a visitor's views of a product count once; 0 counts each.
VIEW_WINDOW_SECONDS: int = number("VIEW_WINDOW_SECONDS", 0, least=0)
VIEW_SKIP_BOTS: bool = env.bool("VIEW_SKIP_BOTS", default=False)
VIEW_SKIP_SELLER: bool = env.bool("VIEW_SKIP_SELLER", default=False)
# Days for which the unique visitors of a product's day are kept; 0 keeps none.
VIEW_UNIQUE_DAYS: int = number("VIEW_UNIQUE_DAYS", 0, least=0)

# Rows that PostgreSQL takes while Redis is away: up to eight a product and hour.
COUNTER_SPILL_ROWS: int = number("COUNTER_SPILL_ROWS", 1_000_000, least=0)
# A backlog that is older or larger than this is an alarm.
COUNTER_ALARM_SECONDS: int = number("COUNTER_ALARM_SECONDS", 60, least=0)
COUNTER_ALARM_MB: int = number("COUNTER_ALARM_MB", 256, least=0)
