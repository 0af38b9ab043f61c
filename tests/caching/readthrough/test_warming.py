from __future__ import annotations

import pytest

from caching.readthrough.fetch import State, fetch
from caching.readthrough.warming import warm_cache

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def warmer(things, truth):
    truth.rows = dict.fromkeys(range(250), b"{}")
    things.warm = lambda limit: range(min(limit, 260))
    yield
    things.warm = None


def test_missing_entries_are_filled_in_chunks_of_one_load_each(warmer, things, truth):
    fetch(things, 5)
    truth.loads.clear()

    (done,) = warm_cache(["things"], limit=1000, budget=30)

    assert (done.already, done.filled, done.missing, done.out_of_time) == (1, 259, 10, False)
    assert [len(load) for load in truth.loads] == [99, 100, 60]
    assert fetch(things, 249).state is State.HIT


def test_the_limit_and_the_budget_end_it(warmer):
    assert warm_cache(["things"], limit=7, budget=30)[0].filled == 7
    assert warm_cache(["things"], limit=7, budget=0)[0].out_of_time
