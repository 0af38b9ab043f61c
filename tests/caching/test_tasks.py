"""The layer's tasks by their names, as messages of an older release call them."""

from __future__ import annotations

import pytest

from caching.readthrough.fetch import State, fetch
from caching.tasks import refresh_entries

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refresh_by_its_name_fills_the_entry_and_says_how_many_exist(things, truth) -> None:
    # Given a row and one that does not exist, whose leases are taken
    truth.rows = {1: b"new"}
    leases = things.store.lease([1, 2], background=[1, 2])
    # When a worker gets the message
    assert refresh_entries.name == "caching.tasks.refresh"
    assert refresh_entries("things", [list(pair) for pair in leases.items()], 0) == 1
    # Then the row is a hit
    assert fetch(things, 1)[:2] == (b"new", State.HIT)
