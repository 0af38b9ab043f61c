"""Law 9 while autocommit is off: that is a transaction too, although not inside `atomic`."""

from __future__ import annotations

import pytest
from django.db import transaction

from caching.keys import KeySpace
from caching.readthrough.fetch import fetch
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
