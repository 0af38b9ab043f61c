"""An applied bucket is compared with the ledger before it is deleted; one that changed is kept for a person."""

from __future__ import annotations

import pytest

from caching.counters import acknowledge
from caching.counters.application import Applied
from caching.counters.family import CounterFamily
from caching.counters.flushing import flush
from caching.counters.ledger import RETAIN_SECONDS
from caching.models import CounterBucket

pytestmark = pytest.mark.django_db(transaction=True)
WIDTH = 5


@pytest.fixture
def family(clock) -> CounterFamily:
    return CounterFamily("clicks", shards=1, bucket_seconds=WIDTH, clock=clock)


@pytest.fixture
def flushed(family, clock):
    """Return a function that flushes everything and then makes the ledger rows old."""

    def run() -> int:
        clock.advance(WIDTH)
        changed = flush(family, lambda hour, counts: Applied()).changed
        CounterBucket.objects.update(applied_at="2020-01-01T00:00:00Z")
        return changed

    return run


def view(family: CounterFamily, **amounts: int) -> None:
    counts = {int(id.removeprefix("id")): amount for id, amount in amounts.items()}
    family.seed(dict.fromkeys(counts, 0), frozenset())
    family.increment_many(counts)


def test_a_bucket_as_it_was_applied_is_deleted(family, flushed):
    view(family, id1=2)
    flushed()
    assert len(family.backlog()) == 1

    assert flushed() == 0

    assert family.backlog() == []
    assert CounterBucket.objects.get().surplus is None


@pytest.mark.parametrize(("field", "amount", "surplus"), [("1", 3, 3), ("7", 1, 1), ("1", -1, -1)])
def test_a_bucket_that_changed_is_set_aside_and_its_surplus_recorded(
    family, flushed, redis_state, caplog, field, amount, surplus
):
    view(family, id1=2)
    flushed()
    ((_, number),) = family.backlog()
    redis_state.hincrby(f"mp:n:{{clicks:0}}:b:{number}", field, amount)

    assert flushed() == 1

    line = CounterBucket.objects.get()
    assert (line.total, line.surplus, line.retained) == (2, surplus, False)
    assert redis_state.exists(f"mp:n:{{clicks:0}}:aside:{number}") == 1
    assert family.backlog() == []
    assert f"bucket {number} of clicks:0 changed after it was applied: its sum is now {surplus:+d}" in caplog.text
    assert flushed() == 0


def test_a_bucket_that_another_flusher_deleted_before_it_died_is_no_change(family, flushed, redis_state):
    view(family, id1=2)
    flushed()
    ((_, number),) = family.backlog()
    redis_state.delete(f"mp:n:{{clicks:0}}:b:{number}")

    assert flushed() == 0

    assert family.backlog() == []
    assert CounterBucket.objects.get().retained is False


def test_after_a_long_backlog_one_flush_acknowledges_a_bounded_part(family, flushed, clock, monkeypatch):
    monkeypatch.setattr(acknowledge, "_MOST_FIELDS", 3)
    for _ in range(5):
        view(family, id1=1, id2=1)
        clock.advance(WIDTH)
    flushed()

    left = []
    for _ in range(6):
        flushed()
        left.append(len(family.backlog()))

    assert left == [4, 3, 2, 1, 0, 0]


def test_redis_keeps_a_bucket_for_as_long_as_a_seed_may_be_under_way(family, clock):
    assert RETAIN_SECONDS >= 60
    view(family, id1=1)
    clock.advance(WIDTH)
    for _ in range(2):
        flush(family, lambda hour, counts: Applied())
    assert len(family.backlog()) == 1
