"""The password of all users in these tests, and a hash that is slow enough to be measured."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher

PASSWORD = "correct-horse-9"


class MeasurableHasher(PBKDF2PasswordHasher):
    """Takes tens of milliseconds: far more than a lookup, far less than in production."""

    algorithm = "measurable"
    iterations = 60_000
