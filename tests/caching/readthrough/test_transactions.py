"""Law 9 while autocommit is off: that is a transaction too, although not inside `atomic`."""

from __future__ import annotations

import pytest
from django.db import transaction

from caching.entries.erasure import erase
from caching.keys import KeySpace
from caching.readthrough.fetch import State, fetch
from caching.readthrough.refresh import refresh
from caching.redis.connections import client
from caching.transactions import in_transaction

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


def test_without_autocommit_nothing_is_filled(things, truth):
    truth.rows[1] = b"uncommitted"
    transaction.set_autocommit(False)
    try:
        assert in_transaction()
        assert fetch(things, 1).body == b"uncommitted"
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert client("cache").exists(KEYS.entry(1)) == 0
    assert not in_transaction()


def test_a_refresh_whose_lease_is_gone_loads_nothing(things, truth):
    truth.rows[1] = b"{}"
    tokens = things.store.lease([1], background=[1])
    erase("things", [1])

    assert refresh("things", list(tokens.items()), 0) == {}
    assert truth.loads == []


def test_an_entry_from_a_clock_that_was_ahead_is_stale(things, truth, clock):
    truth.rows[1] = b"{}"
    clock.advance(3600)
    fetch(things, 1)
    clock.advance(-3600)

    assert fetch(things, 1).state is State.STALE
