"""The errors of the layer are one family, and a caller can tell what to do from them."""

from __future__ import annotations

import inspect

import pytest

from caching import errors
from caching.errors import CachingError


@pytest.mark.parametrize(
    "error", [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
)
def test_each_error_of_the_layer_is_of_its_family(error: type[Exception]) -> None:
    assert issubclass(error, CachingError)


def test_those_that_python_has_a_word_for_are_that_too() -> None:
    assert issubclass(errors.UnknownNamespace, LookupError)
    assert {error for error in CachingError.__subclasses__() if issubclass(error, ValueError)} == {
        errors.CodecError,
        errors.BadEntry,
        errors.CannotTrain,
    }
