"""The walks of a repair resume at their bookmarks, and a damaged bookmark is harmless."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caching.deadlines.index import DeadlineFamily
from caching.deadlines.repairing import Budget, repair
from caching.deadlines.table import Deadline
from tests.caching.deadlines.deadline_table import NOW, Table, members, scores


@pytest.fixture(autouse=True)
def small_pages(monkeypatch) -> None:
    monkeypatch.setattr("caching.deadlines.repairing.PAGE", 10)


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels", shards=3)


@pytest.fixture
def table() -> Table:
    """105 rows; ten at a time share a deadline."""
    return Table({id: NOW + timedelta(seconds=id // 10) for id in range(1, 106)})


def unlimited() -> Budget:
    return Budget(60, 60)


def no_time() -> Budget:
    return Budget(0, 0)


def test_the_walk_over_the_index_goes_on_in_the_shard_where_it_stopped(family, table) -> None:
    # given shards of several pages each, and runs that have time for one page
    table.deadlines |= dict.fromkeys(range(1000, 1600), NOW)
    family.put_missing(Deadline(at, id) for id, at in table.deadlines.items())
    places: list[str] = []
    while len(places) < 2 or places[-1] >= places[-2][:2]:
        repair(family, table, no_time)
        places.append(family.bookmark("index") or "")
    begun_again = places.pop()
    # then the walk went through all shards in turn
    shards = [place.partition(":")[0] for place in places]
    assert shards == sorted(shards)
    assert {*shards} == {"0", "1", "2"}
    assert len(places) > 5
    assert begun_again.startswith("0:")


_LONG = "9" * 5000
_ROWS = ["x", "5", "@", "5@never", "\udcff", "1@2030-01-01T00:00:00+00:00"]
_SPOTS = ["3:0", "1:x", "2:", "1:5", "0:9e9", f"1:{2**64}", _LONG, f"1:{_LONG}", f"{_LONG}:1"]


@pytest.mark.parametrize("place", _ROWS + _SPOTS)
def test_a_damaged_bookmark_is_harmless(family, table, redis_state, place) -> None:
    for walk in ("table", "index"):
        redis_state.hset(f"{family.key(0).removesuffix(':due')}:walk", walk, place.encode("utf-8", "surrogateescape"))
    assert repair(family, table, unlimited).complete
    assert members(family) == scores(table)
