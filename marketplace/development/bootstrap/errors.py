"""The one error that a person at the terminal reads."""

from __future__ import annotations


class StartupError(Exception):
    """A start that cannot go on: the message is one line that says what is wrong and what to do about it."""
