"""Counting views: what is one."""

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
