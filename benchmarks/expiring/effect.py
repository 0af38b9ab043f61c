"""When an offer is dead for readers and acceptors while no worker expires it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from benchmarks.expiring.answers import Answer, largest_ms
from benchmarks.expiring.market import Ends, Market
from benchmarks.harness.progress import say
from benchmarks.harness.rows import Row
from caching.deadlines import Deadline
from offers.clock import database_now
from offers.errors import OfferExpired
from offers.lifecycle.acceptance import accept
from offers.models import OfferStatus
from offers.selectors import offers

# Time between the ends of two offers, and from now to the first end.
_STEP = timedelta(milliseconds=40)
_AHEAD = timedelta(seconds=1)
# Moments around an end, in ms. An accept reads the clock after it has locked the product, so it begins earlier.
_READS = (-1.0, 0.0, 1.0)
_READS_SPREAD, _ACCEPTS_SPREAD = ((-10.0, -1.0), (1.0, 5.0)), (-8.0, 3.0)
_CLOCK_LOOKS = 20


def rows(market: Market, count: int) -> list[Row]:
    """Return the rows of that many offers, each accepted or read several times."""
    products = market.take(count)
    ends = Ends(count, database_now() + _AHEAD, _STEP)
    say(f"reading and accepting {count:,} offers at their ends")
    made = sorted(market.offers(products, ends, market.buyers[:1]))
    seller = get_user_model().objects.get(pk=market.seller)
    accepts, reads = _answers(made, seller)
    answers = [*accepts, *reads]
    wrong, late = sum(answer.contradicts for answer in answers), largest_ms(answers)
    said = f"{_said(reads)} reads say active, {_said(accepts)} accepts succeed, no worker"
    return [
        Row("around their ends: answers against the clock", wrong, "", said, None, "0", not wrong),
        Row("around their ends: alive after the end", late, "ms", _nearest(answers), None, "0 ms", late == 0),
    ]


def _answers(made: Sequence[Deadline], seller: AbstractBaseUser) -> tuple[list[Answer], list[Answer]]:
    clock, random = _Clock(), Random(5)
    accepts: list[Answer] = []
    reads: list[Answer] = []
    for turn, (end, id) in enumerate(made):
        if turn % 2:
            clock.wait_until(end + timedelta(milliseconds=random.uniform(*_ACCEPTS_SPREAD)))
            accepts.append(_accepted(id, end, seller))
        else:
            drawn = [random.uniform(*side) for side in _READS_SPREAD]
            reads += _read_around(id, end, clock, sorted([*_READS, *drawn]))
    return accepts, reads


def _read_around(id: int, end: datetime, clock: _Clock, moments: Sequence[float]) -> Iterator[Answer]:
    for ms in moments:
        clock.wait_until(end + timedelta(milliseconds=ms))
        yield _asked(end, lambda: (offers().get(pk=id).effective_status == OfferStatus.ACTIVE, None))


def _accepted(id: int, end: datetime, seller: AbstractBaseUser) -> Answer:
    def attempt() -> tuple[bool, datetime | None]:
        try:
            return True, accept(id, seller).closed_at
        except OfferExpired:
            return False, None

    return _asked(end, attempt)


def _asked(end: datetime, ask: Callable[[], tuple[bool, datetime | None]]) -> Answer:
    before = database_now()
    alive, closed_at = ask()
    return Answer(end, before, database_now(), alive, closed_at)


class _Clock:
    """The offset of the database's clock from this machine's, to wait for its moments."""

    def __init__(self) -> None:
        looks = [self._look() for _ in range(_CLOCK_LOOKS)]
        # The sample with the shortest round trip has the smallest error.
        self._ahead = min(looks)[1]

    def wait_until(self, moment: datetime) -> None:
        """Sleep until about a moment of the database's clock."""
        due = moment.timestamp() - self._ahead
        time.sleep(max(0.0, due - time.monotonic()))

    def _look(self) -> tuple[float, float]:
        began = time.monotonic()
        now = database_now().astimezone(UTC).timestamp()
        ended = time.monotonic()
        return ended - began, now - (began + ended) / 2


def _said(answers: Sequence[Answer]) -> str:
    return f"{sum(answer.alive for answer in answers)} of {len(answers)}"


def _nearest(answers: Sequence[Answer]) -> str:
    """Return how near to an end an offer was last seen alive, and first seen dead."""
    alive = [answer.end - answer.before for answer in answers if answer.alive]
    dead = [answer.after - answer.end for answer in answers if not answer.alive]
    sides = [f"{min(side) / timedelta(milliseconds=1):.1f} ms" if side else "-" for side in (alive, dead)]
    return f"last alive {sides[0]} before, first dead {sides[1]} after"
