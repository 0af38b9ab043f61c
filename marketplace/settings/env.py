"""The environment that every settings file reads, and which of the three kinds of deployment this is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, float)

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()

# Production is the default, so that forgetting the variable can never switch a safeguard off.
ENVIRONMENT: str = env.str("DJANGO_ENV", default="production")
if ENVIRONMENT not in {"development", "test", "production"}:
    raise ImproperlyConfigured(
        f"DJANGO_ENV is {ENVIRONMENT!r}; set it to development, test or production (the default)."
    )
IS_PRODUCTION = ENVIRONMENT == "production"


def number(name: str, default: Number, least: float, most: float = math.inf) -> Number:
    """Return the variable `name`, a whole number if its default is one.

    Raises ImproperlyConfigured, with a line that says what to set, unless it is a number from `least` to `most`.
    """
    read = env.int if isinstance(default, int) else env.float
    try:
        value: Number = read(name, default=default)
        if least <= value <= most:
            return value
    except ValueError:
        pass
    kind = "whole number" if isinstance(default, int) else "number"
    bounds = f"from {least:,} to {most:,}" if most < math.inf else f"of at least {least:,}"
    given = env.str(name, default=str(default))
    raise ImproperlyConfigured(f"{name} is {given!r}; set it to a {kind} {bounds}, {default} is the default.")


def required(name: str, example: str) -> str:
    """Return the variable `name`, or raise ImproperlyConfigured with a line that says what to set."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Set it in the environment, for example {name}={example}")
    return value
