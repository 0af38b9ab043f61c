"""The bounds of the lifetime of an offer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from offers.lifecycle.lifetime import TOLERANCE, Lifetime
from products.errors import InvalidInput

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_the_default_lifetime_is_a_day() -> None:
    assert Lifetime().end(NOW) == NOW + timedelta(hours=24)


@pytest.mark.parametrize("seconds", [60, 3600, 30 * 24 * 3600])
def test_ends_in_bounds(seconds: int) -> None:
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
    with pytest.raises(InvalidInput) as caught:
        Lifetime(expires_at=NOW + offset).end(NOW)
    assert caught.value.field == "expires_at"
    assert message in caught.value.detail


def test_the_time_of_the_request_is_tolerated() -> None:
    end = NOW + timedelta(seconds=59)
    assert Lifetime(expires_at=end).end(NOW) == end


def test_the_error_names_the_field_that_was_given() -> None:
    with pytest.raises(InvalidInput) as caught:
        Lifetime(expires_in=1).end(NOW)
    assert caught.value.field == "expires_in"
