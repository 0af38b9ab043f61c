"""How load times decide how long a lease lasts, and how long a failing loader is backed off."""

from __future__ import annotations

import time

import pytest

from caching.errors import LoaderBackedOff
from caching.keys import KeySpace
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.readthrough.invalidation import invalidate
from caching.readthrough.load_times import LoadTimes
from caching.readthrough.worker_health import worker_health
from caching.redis.connections import client
from tests.caching.conftest import Truth

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


class Failing:
    """Makes the loader fail the given number of times."""

    def __init__(self, truth: Truth, times: int) -> None:
        self.times = times
        truth.during_load = self

    def __call__(self) -> None:
        if self.times > 0:
            self.times -= 1
            raise RuntimeError("no database")


def test_a_loader_that_failed_is_backed_off(things, truth):
    # Given a load that fails
    truth.rows[1] = b"{}"
    Failing(truth, times=1)
    with pytest.raises(RuntimeError, match="no database"):
        fetch(things, 1)

    # Then no reader loads before the backoff is over, and each learns how long it lasts
    with pytest.raises(LoaderBackedOff) as backed_off:
        fetch(things, 1)
    assert 0 < backed_off.value.retry_after <= 0.5
    assert len(truth.loads) == 1

    # And after it the next reader loads
    client("cache").pexpire(KEYS.lease(1), 1)
    time.sleep(0.005)
    assert fetch(things, 1)[:2] == (b"{}", State.MISS)
    assert fetch(things, 1)[:2] == (b"{}", State.HIT)


def test_the_backoff_doubles_with_each_consecutive_failure(things, truth):
    Failing(truth, times=6)
    left = []
    for _ in range(6):
        with pytest.raises(RuntimeError):
            fetch(things, 1)
        left.append(client("cache").pttl(KEYS.lease(1)))
        client("cache").delete(KEYS.lease(1))

    for ms, most in zip(left, (500, 1000, 2000, 4000, 8000, 10_000), strict=True):
        assert 0.75 * most < ms <= most
    fetch(things, 1)
    assert things.load_times.backoff_ms() <= 500


def test_a_stale_entry_is_served_while_its_loader_fails(things, truth, clock, queue):
    # Given an entry that is stale, whose refresh fails in the worker
    truth.rows[1] = b"old"
    fetch(things, 1)
    clock.advance(61)
    Failing(truth, times=1)
    assert fetch(things, 1)[:2] == (b"old", State.STALE)
    with pytest.raises(RuntimeError):
        queue.run()

    # Then it is still answered, and no other refresh is sent until the backoff is over
    assert [fetch(things, 1)[:2] for _ in range(3)] == [(b"old", State.STALE)] * 3
    assert queue.messages() == []
    client("cache").delete(KEYS.lease(1))
    clock.advance(1)
    fetch(things, 1)
    assert worker_health.seems_absent() or len(queue.messages()) == 1


def test_an_invalidation_ends_the_backoff(things, truth):
    truth.rows[1] = b"{}"
    Failing(truth, times=1)
    with pytest.raises(RuntimeError):
        fetch(things, 1)
    invalidate(things, [1])
    assert fetch(things, 1).state is State.MISS


def test_a_backed_off_stale_key_does_not_stop_the_others_of_its_batch(things, truth, clock):
    # Given a stale key whose refresh has just failed
    truth.rows = {1: b"one", 2: b"two"}
    fetch(things, 1)
    clock.advance(61)
    client("cache").set(KEYS.lease(1), "x", px=5000)

    # Then it is served stale, and the other one is loaded
    assert fetch_many(things, [1, 2]).bodies == {1: b"one", 2: b"two"}
    assert truth.loads == [[1], [2]]


def test_a_batch_that_is_backed_off_releases_its_other_leases(things, truth):
    truth.rows = {1: b"one", 2: b"two"}
    client("cache").set(KEYS.lease(1), "x", px=5000)
    with pytest.raises(LoaderBackedOff):
        fetch_many(things, [1, 2])

    assert client("cache").exists(KEYS.lease(2)) == 0
    assert fetch(things, 2)[:2] == (b"two", State.MISS)
    assert fetch(things, 2)[:2] == (b"two", State.HIT)
