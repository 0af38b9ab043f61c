"""The bodies that a dictionary is trained on: from the cache, and from the loader if too few are cached."""

from __future__ import annotations

import pytest

from caching.readthrough.batch import fetch_many
from caching.readthrough.sampling import sample
from tests.caching.packing import body

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(truth):
    truth.rows = {number: body(number) for number in range(400)}
    return truth.rows


@pytest.fixture
def warmer(things):
    things.warm = lambda limit: range(min(limit, 400))
    yield
    things.warm = None


def test_what_is_not_cached_comes_from_the_loader(things, rows, warmer, truth):
    fetch_many(things, range(50))
    truth.loads.clear()
    advanced = []
    assert sorted(sample(things, 250, advanced.append)) == sorted(rows[number] for number in range(250))
    assert [len(load) for load in truth.loads] == [100, 100, 50]
    assert sum(advanced) == 250


def test_bad_and_missing_entries_teach_nothing(things, rows, redis_state):
    fetch_many(things, [*range(20), 1000])
    redis_state.set(next(redis_state.scan_iter(match="*:c:{things:7}")), b"rubbish", ex=60)
    assert sorted(sample(things, 100)) == sorted(rows[number] for number in range(20) if number != 7)
