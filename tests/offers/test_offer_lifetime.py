"""How long an offer may live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.exceptions import ValidationError

from offers.lifecycle.lifetime import TOLERANCE, Lifetime

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_without_an_end_it_is_a_day() -> None:
    assert Lifetime().end(NOW) == NOW + timedelta(hours=24)


@pytest.mark.parametrize("seconds", [60, 3600, 30 * 24 * 3600])
def test_ends_within_bounds(seconds: int) -> None:
    end = NOW + timedelta(seconds=seconds)
    assert Lifetime(expires_in=seconds).end(NOW) == end
    assert Lifetime(expires_at=end).end(NOW) == end


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (timedelta(seconds=60) - TOLERANCE - timedelta(milliseconds=1), "at least 60 seconds"),
        (timedelta(seconds=-1), "at least 60 seconds"),
        (timedelta(days=30, milliseconds=1), "at most 30 days"),
    ],
)
def test_ends_out_of_bounds(offset: timedelta, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Lifetime(expires_at=NOW + offset).end(NOW)
    assert message in str(caught.value.detail["expires_at"])


def test_the_way_of_a_request_is_forgiven() -> None:
    end = NOW + timedelta(seconds=59)
    assert Lifetime(expires_at=end).end(NOW) == end


def test_the_error_names_the_field_that_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        Lifetime(expires_in=1).end(NOW)
    assert list(caught.value.detail) == ["expires_in"]
