"""The environment every settings file reads from, and which of the three kinds of deployment this is."""

from __future__ import annotations

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()

# Production is the default, so that forgetting the variable can never switch a safeguard off.
ENVIRONMENT: str = env.str("DJANGO_ENV", default="production")
if ENVIRONMENT not in {"development", "test", "production"}:
    raise ImproperlyConfigured(
        f"DJANGO_ENV is {ENVIRONMENT!r}; set it to development, test or production (the default)."
    )
IS_PRODUCTION = ENVIRONMENT == "production"


def required(name: str, example: str) -> str:
    """Return the variable `name`, or raise ImproperlyConfigured with a line that says what to set."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Set it in the environment, for example {name}={example}")
    return value
