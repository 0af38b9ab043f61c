"""The database itself enforces the rules of users."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace.accounts.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def refused(user: User, **changes: Any) -> str:
    """Return the name of the constraint that refuses an UPDATE past Django's validation."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        User.objects.filter(pk=user.pk).update(**changes)
    name: str = caught.value.__cause__.diag.constraint_name
    return name


def test_a_user_has_a_name_that_others_see() -> None:
    assert refused(UserFactory(), display_name="") == "user_display_name_not_blank"


@pytest.mark.parametrize(("taken", "wanted"), [("ada", "ADA"), ("ADA", "ada"), ("Ada", "aDa"), ("zoë", "ZOË")])
def test_a_username_is_taken_in_any_case(taken: str, wanted: str) -> None:
    UserFactory(username=taken)

    assert refused(UserFactory(), username=wanted) == "user_username_any_case"


def test_a_user_may_change_the_case_of_their_own_name() -> None:
    user = UserFactory(username="ada")

    User.objects.filter(pk=user.pk).update(username="Ada")

    assert User.objects.get_by_natural_key("aDA") == user


def test_two_users_may_show_the_same_name() -> None:
    UserFactory(display_name="Ada")
    UserFactory(display_name="Ada")

    assert User.objects.filter(display_name="Ada").count() == 2
