"""The user of the marketplace: seller and buyer."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower


class UserManager(DjangoUserManager["User"]):
    """Finds users by their username in any case; the database keeps it unique in any case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user of that name, or raise User.DoesNotExist."""
        return self.alias(folded=Lower("username")).get(folded=Lower(Value(username or "")))


class User(AbstractUser):
    """A user with a login. `display_name` is what other users see."""

    display_name = models.CharField(max_length=80)

    objects = UserManager()

    REQUIRED_FIELDS = ["email", "display_name"]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=~Q(display_name=""), name="user_display_name_not_blank"),
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_any_case",
                violation_error_message="A user with that username already exists.",
            ),
        ]

    def __str__(self) -> str:
        return self.username
