"""The settings for what counts as a view."""

from __future__ import annotations

from marketplace.settings.env import env, number

# Seconds within which a visitor's views of a product count once; 0 counts each.
VIEW_WINDOW_SECONDS: int = number("VIEW_WINDOW_SECONDS", 0, least=0)
VIEW_SKIP_BOTS: bool = env.bool("VIEW_SKIP_BOTS", default=False)
VIEW_SKIP_SELLER: bool = env.bool("VIEW_SKIP_SELLER", default=False)
# Days for which the unique visitors of a product's day are kept; 0 keeps none.
VIEW_UNIQUE_DAYS: int = number("VIEW_UNIQUE_DAYS", 0, least=0)
