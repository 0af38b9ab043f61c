"""Law 6: a batch of any mix is at most three round trips and one load."""

from __future__ import annotations

import pytest

from caching.readthrough.batch import fetch_many

pytestmark = pytest.mark.django_db(transaction=True)


def test_any_mix_of_hits_stale_negative_and_missing_is_three_round_trips_and_one_load(
    things, truth, clock, redis_commands, queue
):
    # Given stale 0..29, negative 30..39, fresh 40..69, and missing 70..99, where 90..99 do not exist
    truth.rows = {id: b"%d" % id for id in [*range(30), *range(40, 90)]}
    fetch_many(things, range(30))
    clock.advance(61)
    fetch_many(things, range(30, 70))
    truth.loads.clear()

    # When
    with redis_commands() as trips:
        batch = fetch_many(things, range(100))

    # Then
    assert list(batch.bodies) == [*range(30), *range(40, 90)]
    assert (batch.origin.hits, batch.origin.stale, batch.origin.misses) == (40, 30, 30)
    assert truth.loads == [[*range(70, 100), *range(30)]]
    assert [trip[0] for trip in trips if trip[0] != "EVAL"] == ["MGET", "EVALSHA", "EVALSHA"]
    assert queue.messages() == []

    # And everything that was missing is stored now, rows that do not exist as negative entries
    with redis_commands() as trips:
        fetch_many(things, range(70, 100))
    assert trips == [["MGET"]]
