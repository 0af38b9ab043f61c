"""Parses JSON strictly: of bounded depth, without characters that PostgreSQL or UTF-8 cannot hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError, ValidationError

from marketplace.api.problems import FIELDLESS


class JSONParser(parsers.JSONParser):
    """Parses `application/json`. A malformed body, or one with text that cannot be stored, is a 400."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the parsed body, or raise ParseError or ValidationError."""
        try:
            data = super().parse(stream, media_type, parser_context)
            bad = {path: ["Null characters and lone surrogates are not allowed."] for path in _unstorable(data, "")}
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply.") from error
        if bad:
            raise ValidationError(bad)
        return data


def _unstorable(data: Any, path: str) -> Iterator[str]:
    """Yield the dotted path of every string that has a NUL or a lone surrogate."""
    if isinstance(data, str):
        # JSON can spell these characters as escapes, so they are checked after parsing.
        if "\x00" in data or not _encodable(data):
            yield path or FIELDLESS
    elif isinstance(data, dict):
        for key, value in data.items():
            if "\x00" in key or not _encodable(key):
                yield path or FIELDLESS
            else:
                yield from _unstorable(value, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            if type(value) is not int:  # Numbers, such as the hundred ids of a batch, need no check.
                yield from _unstorable(value, f"{path}.{index}" if path else str(index))


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
