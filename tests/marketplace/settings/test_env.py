"""Numbers in the environment: read, held to their bounds, refused in one line."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.env import number


@pytest.fixture
def given(monkeypatch):
    return lambda text: monkeypatch.setenv("A_NUMBER", text)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("7", 7), ("10", 10)])
def test_a_number_within_its_bounds_is_taken(given, text: str, value: int) -> None:
    given(text)
    assert number("A_NUMBER", 5, least=0, most=10) == value


def test_a_number_that_is_not_set_is_its_default() -> None:
    assert number("A_NUMBER", 5, least=0) == 5
    assert number("A_NUMBER", 0.25, least=0) == 0.25


def test_a_number_has_the_type_of_its_default(given) -> None:
    given("2")
    assert isinstance(number("A_NUMBER", 5, least=0), int)
    assert isinstance(number("A_NUMBER", 5.0, least=0), float)


@pytest.mark.parametrize("text", ["-1", "11", "", "ten", "1.5"])
def test_a_whole_number_out_of_bounds_is_refused(given, text: str) -> None:
    given(text)
    with pytest.raises(ImproperlyConfigured) as refused:
        number("A_NUMBER", 5, least=0, most=10)
    assert str(refused.value) == f"A_NUMBER is {text!r}; set it to a whole number from 0 to 10, 5 is the default."


@pytest.mark.parametrize("text", ["0", "-0.5", "", "often", "nan"])
def test_a_number_below_its_bound_is_refused(given, text: str) -> None:
    given(text)
    with pytest.raises(ImproperlyConfigured) as refused:
        number("A_NUMBER", 6.0, least=0.5)
    assert str(refused.value) == f"A_NUMBER is {text!r}; set it to a number of at least 0.5, 6.0 is the default."
