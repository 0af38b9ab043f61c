"""JSON by orjson: decimals as strings, times as RFC 3339 with Z, and `orjson.Fragment` for ready bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


def render(data: Any) -> bytes:
    """Return `data` as JSON. What orjson refuses (integers over 64 bits, lone surrogates) `json` renders."""
    try:
        return orjson.dumps(data, default=_default, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return json.dumps(data, cls=JSONEncoder, separators=(",", ":")).encode()


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        # `str` would write Decimal("1E+2") with its exponent.
        return format(value, "f")
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    return JSONEncoder().default(value)


class JSONRenderer(renderers.JSONRenderer):
    """Renders `application/json` in UTF-8."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the body, which is empty for None (the data of a 204)."""
        return b"" if data is None else render(data)
