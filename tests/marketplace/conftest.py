"""People and tokens for the tests of the wiring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from knox.models import get_token_model

from marketplace.accounts.models import User
from tests.marketplace.credentials import PASSWORD

MakeUser = Callable[..., User]


@pytest.fixture
def make_user(db: None) -> MakeUser:
    def make(username: str = "ada", **fields: Any) -> User:
        fields = {"display_name": username.title(), "password": PASSWORD, **fields}
        return User.objects.create_user(username=username, **fields)

    return make


@pytest.fixture
def token_of() -> Callable[[User], str]:
    """Make a token and return the value of its Authorization header."""

    def make(user: User, **fields: Any) -> str:
        return f"Token {get_token_model().objects.create(user=user, **fields)[1]}"

    return make
