"""Rendered JSON: decimals, times, and the values that orjson refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest
from django.utils.functional import lazystr

from marketplace.api.renderers import JSONRenderer, render


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        (Decimal("12.50"), b'"12.50"'),
        (Decimal("1E+2"), b'"100"'),
        (datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), b'"2026-01-02T03:04:05.678000Z"'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1))), b'"2026-01-02T03:04:05+01:00"'),
        (lazystr("late"), b'"late"'),
        ({1: "a"}, b'{"1":"a"}'),
        (iter([1, 2]), b"[1,2]"),
        (orjson.Fragment(b'{"ready": 1}'), b'{"ready": 1}'),
        ("Größe", '"Größe"'.encode()),
    ],
)
def test_values_have_one_form(value: object, rendered: bytes) -> None:
    assert render(value) == rendered


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**70), {"id": 10**40}, "\ud800"])
def test_what_orjson_refuses_is_rendered_all_the_same(value: object) -> None:
    assert json.loads(render(value)) == value


def test_nothing_is_no_body() -> None:
    assert JSONRenderer().render(None) == b""
