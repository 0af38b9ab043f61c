"""Moving deadlines: whoever changes a row at the same time as others, the index says in the end what the table says.

Movers run in threads of their own that take turns at every step (commit, each round trip, each look at the table),
so an ordering is drawn, and not met by luck.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import DatabaseError

from caching.deadlines import index
from caching.deadlines.index import DeadlineFamily, to_ms
from caching.redis.scripts import script

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUNS = 1000


class Table:
    """A table in memory. What happens `between` happens after it has been read, each in its turn."""

    def __init__(self, rows: dict[int, datetime]) -> None:
        self.rows = rows
        self.looks: list[list[int]] = []
        self.between: list[Callable[[], object]] = []

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        self.looks.append(list(ids))
        found = {id: self.rows[id] for id in ids if id in self.rows}
        if self.between:
            self.between.pop(0)()
        return found

    def page(self, after: Any, limit: int) -> Sequence[tuple[int, datetime]]:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def script_is_known(redis_state: redis.Redis) -> None:
    """Redis knows the script, so that no first call of it is two round trips."""
    redis_state.script_load(script("deadline_settle").source)


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels", shards=4)


def score(family: DeadlineFamily, id: int) -> float | None:
    return {member.id: member.score for member in family.scan(family.shard(id), 0, 100)[1]}.get(id)


def test_a_move_goes_either_way_enters_and_takes_out(family) -> None:
    family.schedule_many((id, NOW) for id in (1, 2, 3))
    table = Table({1: NOW + HOUR, 2: NOW - HOUR, 4: NOW})
    assert family.move([1, 2, 3, 4, 5], table)
    assert [score(family, id) for id in range(1, 6)] == [to_ms(NOW + HOUR), to_ms(NOW - HOUR), None, to_ms(NOW), None]


def test_a_move_is_two_round_trips_and_one_if_there_is_nothing_to_do(family, redis_commands) -> None:
    family.move([1], Table({1: NOW}))
    table = Table(dict.fromkeys(range(1, 9), NOW + HOUR))
    with redis_commands() as trips:
        assert family.move(range(1, 9), table)
    # the change and the look after it together
    assert trips == [["ZMSCORE"] * 4, ["EVALSHA"] * 4 + ["ZMSCORE"] * 4]
    assert len(table.looks) == 2
    with redis_commands() as trips:
        assert family.move(range(1, 9), table)
    assert trips == [["ZMSCORE"] * 4]


def test_moves_of_many_go_in_pages(family, redis_commands) -> None:
    table = Table(dict.fromkeys(range(1, 2501), NOW))
    with redis_commands() as trips:
        assert family.move(range(1, 2501), table)
    assert len(trips) == 2 * 3
    assert max(map(len, table.looks)) == 1000
    assert family.count() == 2500
    assert family.move([], table)


def test_only_what_is_not_right_yet_is_tried_again(family, redis_commands) -> None:
    # given two rows, of which somebody changes one in the middle of the move of both
    table = Table({1: NOW, 2: NOW})
    other = Table(table.rows)

    def shorten() -> None:
        table.rows[2] = NOW - HOUR
        family.move([2], other)

    table.between = [shorten]
    assert family.move([1, 2], table)
    assert table.looks == [[1, 2], [1, 2]]
    assert score(family, 2) == to_ms(NOW - HOUR)


def test_changes_without_end_are_left_to_the_repair(family, redis_commands) -> None:
    # given a row that changes after every look at it
    table = Table({1: NOW})

    def change() -> None:
        table.rows[1] += HOUR

    table.between = [change] * 100
    with redis_commands() as trips:
        assert not family.move([1], table)
    assert len(trips) == 7
    assert len(table.looks) == 6


def test_what_the_table_raises_is_raised(family) -> None:
    table = Table({1: NOW})

    def fail() -> None:
        raise DatabaseError

    table.between = [fail]
    with pytest.raises(DatabaseError):
        family.move([1], table)


class Killed(BaseException):
    """A mover's process died."""


class Mover(threading.Thread):
    """Changes the row to a deadline (None: to no other one) and moves it in the index, step by step as it is told;
    dies before step `dies`."""

    def __init__(self, family: DeadlineFamily, table: Table, at: datetime | None, dies: int) -> None:
        super().__init__(daemon=True)
        self.at = at
        self._family, self._table, self._dies = family, table, dies
        self._steps = 0
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.over = False
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.turn()
            if self.at is not None:
                self._table.rows[1] = self.at
            assert self._family.move([1], self)
        except Killed:
            pass
        except BaseException as error:
            self.error = error
        self.over = True
        self._stopped.release()

    def turn(self) -> None:
        """Wait for the turn of the next step."""
        if self._steps:
            self._stopped.release()
        self._go.acquire()
        self._steps += 1
        if self._steps == self._dies:
            raise Killed

    def step(self) -> None:
        """Let it take its next step."""
        self._go.release()
        self._stopped.acquire()

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        self.turn()
        return self._table.deadlines_of(ids)

    def page(self, after: Any, limit: int) -> Sequence[tuple[int, datetime]]:
        raise NotImplementedError


@pytest.fixture
def in_turns(monkeypatch) -> None:
    """Movers wait for their turn before each round trip."""
    real = index.pool("state")

    class InTurns:
        def call(self, commands):
            if isinstance(mover := threading.current_thread(), Mover):
                mover.turn()
            return real.call(commands)

    monkeypatch.setattr(index, "pool", lambda role: InTurns())


def run(movers: Sequence[Mover], chance: random.Random) -> str:
    """Have movers take their steps in an order drawn by chance, and return who took which."""
    story = ""
    for mover in movers:
        mover.start()
    while going := [mover for mover in movers if not mover.over]:
        mover = chance.choice(going)
        story += str(movers.index(mover))
        mover.step()
        assert mover.error is None, story
    return story


@pytest.mark.usefixtures("in_turns")
def test_two_or_three_movers_in_any_order_leave_the_truth(family, redis_state: redis.Redis) -> None:
    # Few deadlines, so that a row is also changed back to what it was
    stories = set()
    for seed in range(RUNS):
        chance = random.Random(seed)
        times = [NOW + HOUR * number for number in range(3)]
        table = Table({1: chance.choice(times)})
        redis_state.delete(family.key(1))
        if chance.random() < 0.8:
            family.schedule(1, table.rows[1])
        movers = [Mover(family, table, chance.choice(times), 0) for _ in range(chance.choice((2, 3)))]
        story = run(movers, chance)
        stories.add(story)
        assert score(family, 1) == to_ms(table.rows[1]), f"seed {seed}: {story}"
    assert len(stories) > RUNS / 2


@pytest.mark.usefixtures("in_turns")
def test_movers_that_are_killed_halfway_spoil_nothing_for_the_others(family, redis_state: redis.Redis) -> None:
    # Deadlines that do not come again, and of three movers one that dies before or after it has written, of a row
    # that it did not change; the last one to commit lives
    for seed in range(RUNS):
        chance = random.Random(seed)
        times = [NOW + HOUR * number for number in range(1, 4)]
        chance.shuffle(times)
        table = Table({1: NOW})
        redis_state.delete(family.key(1))
        if chance.random() < 0.8:
            family.schedule(1, NOW + 9 * HOUR)
        movers = [Mover(family, table, None, chance.randint(2, 5))]
        movers += [Mover(family, table, times.pop(), 0) for _ in range(2)]
        story = run(movers, chance)
        assert score(family, 1) == to_ms(table.rows[1]), f"seed {seed}: {story}"
