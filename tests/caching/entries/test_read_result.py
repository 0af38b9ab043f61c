"""The result of a read: which of the stored entries are usable."""

from __future__ import annotations

import pytest

from caching import metrics
from caching.entries.entry import decode
from caching.entries.read_result import ReadResult
from caching.keys import KeySpace
from caching.readthrough.fetch import State, fetch
from caching.readthrough.resource import Resource
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


def read(things: Resource, *ids: int) -> ReadResult:
    return things.store.read(ids)


def test_an_entry_of_another_schema_is_a_miss(things, truth):
    truth.rows[1] = b"{}"
    fetch(things, 1)
    raw = client("cache").get(KEYS.entry(1))
    assert decode(raw).schema == 1

    object.__setattr__(things.policy, "schema", 2)

    assert fetch(things, 1).state is State.MISS


def test_plain_hits_are_answered_by_their_bodies_and_anything_else_by_none(things, truth, clock):
    # given two fresh entries, and no third
    truth.rows = {1: b"one", 2: b"two"}
    fetch(things, 1)
    fetch(things, 2)

    # then two plain hits are their bodies, and a miss among them is not plain
    assert read(things, 1, 2).fresh_bodies(2) == [b"one", b"two"]
    assert read(things, 1, 3).fresh_bodies(2) is None
    # nor is a stale entry
    clock.advance(61)
    assert read(things, 1, 2).fresh_bodies(2) is None
    assert set(read(things, 1, 2).entries) == {1, 2}


def test_a_damaged_entry_is_stored_but_not_usable(things, truth):
    truth.rows[1] = b"one"
    fetch(things, 1)
    client("cache").set(KEYS.entry(1), b"rubbish")
    before = metrics.BAD_ENTRIES.labels("things")._value.get()

    found = read(things, 1, 2)

    assert (found.stored(0), found.stored(1)) == (True, False)
    assert found.entries == {}
    assert found.fresh_bodies(1) is None
    assert metrics.BAD_ENTRIES.labels("things")._value.get() == before + 1


def test_a_read_that_the_cache_did_not_answer_has_replies_and_no_entries(things):
    found = things.store.unreachable([7])
    assert (found.reachable, found.replies, found.entries) == (False, [7], {})
    assert found.fresh_bodies(0) is None
    assert not found.stored(0)
