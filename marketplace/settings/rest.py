"""DRF, the tokens, the throttles and the OpenAPI document."""

from __future__ import annotations

import re
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.env import env, number


def _rate(name: str, default: str) -> str:
    """Return a throttle rate such as 10/min from the environment; empty means no limit."""
    rate = env.str(name, default=default)
    if rate and not re.fullmatch(r"[1-9][0-9]*/(s|sec|m|min|h|hour|d|day)", rate):
        raise ImproperlyConfigured(f"{name} is {rate!r}; write it as 10/min, with s, min, hour or day, or empty.")
    return rate


REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["marketplace.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["marketplace.api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.api.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.api.pagination.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "marketplace.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "marketplace.api.errors.problem_handler",
    "DEFAULT_THROTTLE_CLASSES": ["marketplace.api.throttles.WriteThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "login": _rate("THROTTLE_LOGIN", "10/min"),
        "register": _rate("THROTTLE_REGISTER", "20/hour"),
        "write": _rate("THROTTLE_WRITE", "120/min"),
    },
    # Proxies in front of the site; without this number a client could choose its own throttle identity.
    "NUM_PROXIES": number("NUM_PROXIES", 0, least=0),
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
}

REST_KNOX = {
    "TOKEN_TTL": timedelta(days=number("TOKEN_DAYS", 30, least=1)),
    "AUTO_REFRESH": False,
    "TOKEN_LIMIT_PER_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Marketplace API",
    "DESCRIPTION": "Products, feeds, batches and offers, read through a cache that never shows a stale price.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.api.schema.add_problems",
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ProductStatus": ["available", "sold"],
        "OfferStatus": "offers.models.OfferStatus",
    },
}
