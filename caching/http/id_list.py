"""The list of ids in the request of a batch: a DRF field, and a fast parser for plain bodies."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from rest_framework import serializers

from caching.ids import MAX_ID

MAX_IDS = 100


class IdListField(serializers.Field):  # type: ignore[type-arg]
    """At most 100 ids, integers or numeric strings; a repeated one is kept at its first place.

    An integer that cannot be the id of a row is left out, like an unknown id. It is one loop, because a ListField
    would call its child for each of a hundred ids, which is slow.
    """

    default_error_messages = {
        "not_a_list": "Expected a list of ids.",
        "too_many": "At most {limit} ids in one request; {count} were sent.",
        "not_an_id": "Not an id: expected an integer or a numeric string.",
    }

    def to_internal_value(self, data: Any) -> list[int]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if len(data) > MAX_IDS:
            self.fail("too_many", limit=MAX_IDS, count=len(data))
        ids: dict[int, None] = {}
        errors: dict[str, Any] = {}
        for index, item in enumerate(data):
            number = _number(item)
            if number is None:
                errors[str(index)] = [str(self.error_messages["not_an_id"])]
            elif 0 < number <= MAX_ID:
                ids[number] = None
        if errors:
            raise serializers.ValidationError(errors)
        return list(ids)

    def to_representation(self, value: list[int]) -> list[int]:
        return value


@cache
def ids_serializer(field: str) -> type[serializers.Serializer[Any]]:
    """Return the serializer of a body with a list of ids under `field`; its name is made from it (`ProductIds`)."""
    name = "".join(word.capitalize() for word in field.split("_"))
    return type(name, (serializers.Serializer,), {"__doc__": "The ids of a batch.", field: IdListField()})


def plain_ids(body: bytes, name: str) -> dict[int, None] | None:
    """Return the ids, in order and each once, of a body that is `{name: [integers]}` and nothing else, or None.

    None does not mean that the body is wrong, only that `IdListField` must validate it.
    """
    if body.count(b'"') != 2:
        # Of a repeated member orjson would keep the last one, while DRF might refuse the body.
        return None
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    items = data.get(name) if type(data) is dict and len(data) == 1 else None
    if type(items) is not list or not 0 < len(items) <= MAX_IDS or set(map(type, items)) != {int}:
        return None
    return dict.fromkeys(items) if min(items) > 0 and max(items) <= MAX_ID else None


def _number(item: Any) -> int | None:
    if type(item) is int:
        return item
    if isinstance(item, str) and item.isascii() and item.removeprefix("-").isdigit() and len(item) <= 20:
        return int(item)
    return None
