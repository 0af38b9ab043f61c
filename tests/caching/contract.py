"""What every interface of the read-through promises, and what those of many keys promise in addition.

`face`, `truth`, `clock` and `key` are fixtures of the module that runs these tests on an implementation.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from caching.errors import LoaderBackedOff
from caching.readthrough.worker_health import worker_health
from tests.deploy.services import free_port


class OutOfOrder(Exception):
    """The error that loaders raise here."""


def fail() -> None:
    raise OutOfOrder


class ReadThrough:
    """One key."""

    def test_a_miss_loads_once_and_fills(self, face: Any, truth: Any, values: Any, redis_commands: Any) -> None:
        truth.values[1] = values(1)
        assert face.read(1) == values(1)
        with redis_commands() as trips:
            assert face.read(1) == values(1)
        assert truth.loads == [1]
        assert trips == [["MGET"]]

    def test_the_entry_is_packed_as_it_should_be(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any, tag: int
    ) -> None:
        truth.values[1] = values(1)
        face.read(1)
        assert redis_state.get(key(1))[1] == tag
        assert 0 < redis_state.pttl(key(1)) <= 3_600_000

    def test_a_stale_answer_goes_out_at_once_and_one_task_refreshes_it(
        self, face: Any, truth: Any, values: Any, clock: Any, queue: Any
    ) -> None:
        truth.values[1] = values(1)
        face.read(1)
        truth.values[1] = values(2)
        clock.advance(61)
        assert [face.read(1) for _ in range(3)] == [values(1)] * 3
        assert truth.loads == [1]
        assert [message.task for message in queue.run()] == ["caching.tasks.refresh"]
        assert face.read(1) == values(2)
        assert truth.loads == [1, 1]

    def test_a_missing_row_is_remembered_until_it_is_invalidated(self, face: Any, truth: Any, values: Any) -> None:
        assert face.read(1) is None
        assert face.read(1) is None
        assert truth.loads == [1]
        truth.values[1] = values(1)
        face.invalidate(1)
        assert face.read(1) == values(1)
        assert face.read(1) == values(1)
        assert truth.loads == [1, 1]

    def test_an_invalidated_entry_is_loaded_again_and_others_are_not(self, face: Any, truth: Any, values: Any) -> None:
        truth.values = {1: values(1), 2: values(2)}
        face.read(1), face.read(2)
        truth.values = {1: values(3), 2: values(4)}
        face.invalidate(1)
        assert (face.read(1), face.read(2)) == (values(3), values(2))

    def test_an_invalidation_during_the_load_refuses_the_fill(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values[1] = values(1)
        truth.during_load = lambda: write(face, truth, values(2))
        assert face.read(1) == values(1)  # this read began before the write
        assert redis_state.get(key(1)) is None
        assert face.read(1) == values(2)

    def test_an_invalidation_during_the_refresh_refuses_its_fill(
        self, face: Any, truth: Any, values: Any, clock: Any, queue: Any
    ) -> None:
        truth.values[1] = values(1)
        face.read(1)
        clock.advance(61)
        face.read(1)
        truth.during_load = lambda: write(face, truth, values(2))
        queue.run()
        assert face.read(1) == values(2)

    def test_a_bad_entry_is_a_miss_and_healed(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values[1] = values(1)
        face.read(1)
        for damage in ("bit", "cut", "empty", "foreign", "format", "schema", "type"):
            damage_entry(redis_state, key(1), damage)
            truth.loads.clear()
            assert face.read(1) == values(1), damage
            assert face.read(1) == values(1), damage
            assert truth.loads == [1], damage

    def test_a_cleared_namespace_is_a_miss(self, face: Any, truth: Any, values: Any) -> None:
        truth.values[1] = values(1)
        face.read(1)
        truth.values[1] = values(2)
        face.source.store.clear()
        assert face.read(1) == values(2)
        assert face.read(1) == values(2)
        assert truth.loads == [1, 1]

    @pytest.mark.django_db(transaction=True)
    def test_in_a_transaction_nothing_is_filled(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values = {1: values(1), 2: values(2)}
        face.read(2)
        with transaction.atomic():
            assert (face.read(1), face.read(1), face.read(2)) == (values(1), values(1), values(2))
        assert redis_state.get(key(1)) is None
        assert truth.loads == [2, 1, 1]

    @pytest.mark.django_db(transaction=True)
    def test_an_invalidation_follows_commit_and_not_a_rollback(self, face: Any, truth: Any, values: Any) -> None:
        truth.values[1] = values(1)
        face.read(1)
        truth.values[1] = values(2)
        with transaction.atomic():
            face.invalidate(1)
            transaction.set_rollback(True)
        assert face.read(1) == values(1)
        with transaction.atomic():
            face.invalidate(1)
        assert face.read(1) == values(2)

    def test_without_redis_the_loader_answers(self, face: Any, truth: Any, values: Any, reroute: Any) -> None:
        truth.values[1] = values(1)
        face.read(1)
        reroute(free_port())
        assert [face.read(1), face.read(1), face.read(2)] == [values(1), values(1), None]
        assert truth.loads == [1, 1, 1, 2]

    def test_a_loader_that_fails_is_backed_off(self, face: Any, truth: Any, values: Any, redis_state: Any) -> None:
        truth.values[1] = values(1)
        truth.during_load = fail
        with pytest.raises(OutOfOrder):
            face.read(1)
        with pytest.raises(LoaderBackedOff):
            face.read(1)
        assert truth.loads == [1]
        # When the backoff is over
        redis_state.delete(face.source.store.keys.lease(face.id(1)))
        truth.during_load = lambda: None
        assert face.read(1) == values(1)

    @pytest.mark.parametrize("has_worker", [True, False])
    def test_stale_if_error(self, face: Any, truth: Any, values: Any, clock: Any, queue: Any, has_worker: bool) -> None:
        truth.values[1] = values(1)
        face.read(1)
        clock.advance(61)
        truth.during_load = fail
        if not has_worker:
            worker_health.note_missing()
        assert face.read(1) == values(1)
        if has_worker:
            with pytest.raises(OutOfOrder):
                queue.run()
        # The loader is backed off, so no other attempt is sent or made.
        assert [face.read(1), face.read(1)] == [values(1)] * 2
        assert truth.loads == [1, 1]

    def test_a_reader_whose_wait_times_out_loads_and_stores_nothing(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values[1] = values(1)
        lease = face.source.store.keys.lease(face.id(1))
        redis_state.set(lease, "r0", px=60_000)
        assert face.read(1) == values(1)
        assert (redis_state.get(key(1)), redis_state.get(lease)) == (None, b"r0")


class ReadManyThrough:
    """Many keys."""

    def test_they_come_in_order_without_repeats(self, face: Any, truth: Any, values: Any) -> None:
        truth.values = {number: values(number) for number in (1, 2, 3)}
        face.read(2)
        wanted = [3, 9, 2, 3, 1, 2]
        for _ in range(2):
            assert list(face.read_many(wanted).items()) == [(3, values(3)), (2, values(2)), (1, values(1))]
        assert truth.loads == [2, 3, 9, 1]

    def test_no_ids_cost_nothing(self, face: Any, truth: Any, redis_commands: Any) -> None:
        with redis_commands() as trips:
            assert face.read_many([]) == {}
        assert (trips, truth.loads) == ([], [])

    def test_any_mix_takes_three_round_trips_and_one_load(
        self, face: Any, truth: Any, values: Any, clock: Any, key: Any, redis_state: Any, redis_commands: Any
    ) -> None:
        # Given stale, damaged, negative, fresh and missing ones
        truth.values = {number: values(number) for number in range(1, 6)}
        face.read_many([1, 2])
        clock.advance(61)
        face.read_many([3, 4, 8])
        damage_entry(redis_state, key(3), "bit")
        truth.loads.clear()
        face.read_many([1])  # sends the refreshes of stale entries, so that the next read sends none
        with redis_commands() as trips:
            found = face.read_many([5, 8, 3, 4, 1, 9])
        assert found == {number: values(number) for number in (5, 3, 4, 1)}
        assert truth.loads == [5, 3, 9]
        assert len([trip for trip in trips if trip[0] != "EVAL"]) == 3
        assert face.read_many([3, 4, 5]) == {number: values(number) for number in (3, 4, 5)}
        assert truth.loads == [5, 3, 9]

    def test_an_invalidation_during_the_load_refuses_its_own_fill_only(
        self, face: Any, truth: Any, values: Any, key: Any, redis_state: Any
    ) -> None:
        truth.values = {1: values(1), 2: values(2)}
        truth.during_load = lambda: write(face, truth, values(3))
        face.read_many([1, 2])
        assert (redis_state.exists(key(1)), redis_state.exists(key(2))) == (0, 1)
        assert face.read_many([1, 2]) == {1: values(3), 2: values(2)}

    def test_one_backed_off_id_leaves_the_leases_of_others_alone(
        self, face: Any, truth: Any, values: Any, redis_state: Any
    ) -> None:
        truth.values = {1: values(1), 2: values(2)}
        truth.during_load = fail
        with pytest.raises(OutOfOrder):
            face.read(1)
        truth.during_load = lambda: None
        with pytest.raises(LoaderBackedOff):
            face.read_many([1, 2])
        assert not redis_state.exists(face.source.store.keys.lease(2))
        assert face.read(2) == values(2)


def write(face: Any, truth: Any, value: Any) -> None:
    """Change the truth of number 1 and invalidate it, once, in the middle of a load."""
    truth.during_load = lambda: None
    truth.values[1] = value
    face.invalidate(1)


def damage_entry(redis: Any, key: str, damage: str) -> None:
    whole = redis.get(key)
    damaged = {
        "bit": whole[:-1] + bytes([whole[-1] ^ 1]),
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "foreign": b"\x80\x05K\x01.",
        "format": b"\x09" + whole[1:],
        "schema": whole[:4] + b"\x00\x09" + whole[6:],
    }
    redis.delete(key)
    redis.set(key, damaged[damage], px=60_000) if damage != "type" else redis.hset(key, "a", "b")
