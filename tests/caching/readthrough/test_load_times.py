"""How load times decide how long a lease lasts."""

from __future__ import annotations

import time

import pytest

from caching.keys import KeySpace
from caching.readthrough.fetch import fetch
from caching.readthrough.load_times import LoadTimes
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = KeySpace("things")


@pytest.mark.parametrize(("load_ms", "lease_ms"), [(1, 1000), (60, 1200), (200, 4000), (900, 5000)])
def test_a_lease_lasts_many_loads_but_no_less_than_a_second_and_no_more_than_the_policy(load_ms, lease_ms):
    times = LoadTimes(most_lease=5.0)
    assert times.lease_ms() == 5000

    times.start_afresh(mean_ms=load_ms)
    assert times.lease_ms() == lease_ms


def test_the_mean_follows_the_loads():
    times = LoadTimes(most_lease=5.0)
    for seconds in (0.02, 0.06):
        with times.timed():
            time.sleep(seconds)
    # Four parts of 20 ms and one of 60 ms.
    assert 28 <= times.load_ms < 80
    before = times.load_ms
    with pytest.raises(ZeroDivisionError), times.timed():
        _ = 1 / 0
    assert times.load_ms == before


def test_the_lease_of_a_miss_depends_on_the_load_times(things, truth):
    truth.rows = {1: b"{}", 2: b"{}"}
    left = []
    truth.during_load = lambda: left.append(client("cache").pttl(KEYS.lease(truth.loads[-1][0])))

    fetch(things, 1)
    fetch(things, 2)

    assert 3000 < left[0] <= 4000
    assert 500 < left[1] <= 1000
