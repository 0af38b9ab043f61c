"""A recorded trace at full speed: statements and rows written in PostgreSQL, beside one statement a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.counting import draws
from benchmarks.counting.catalogue import warm
from benchmarks.counting.statements import Statements, row_writes, server_transactions, settle
from benchmarks.counting.sums import everywhere, exactness
from benchmarks.counting.ticks import PERIOD, next_end
from benchmarks.harness.child import Child, child
from benchmarks.harness.rows import Reach, Row, row
from products.cache import product_views
from products.replay.result import Result
from products.replay.run import Replay
from products.replay.targets import ServiceTarget

FEWER = Reach(99, at_least=True, unit="%")
_ASIDE = 0.1
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Traced:
    """The result of the replay, the statements and transactions for it, and the rows written by table."""

    result: Result
    statements: int
    transactions: int
    server_transactions: int
    writes: dict[str, int]
    before: int


def rows(ids: Sequence[int], limit: int | None = None) -> list[Row]:
    """Return the rows of the trace, with all live counts in Redis and with none."""
    name, numbers = draws.trace(limit)
    seen = sorted(set(numbers))
    place = {number: ids[index % len(ids)] for index, number in enumerate(seen)}
    views = [place[number] for number in numbers]
    viewed = sorted(set(views))
    warm(viewed)
    found = _rows(f"{name}, warm", _run(views), FEWER)
    product_views.forget(viewed)
    return found + _rows(f"{name}, cold", _run(views), None)


def _run(views: Sequence[int]) -> Traced:
    """Count all views, with a flush every five seconds and one at the end."""
    counters: list[Statements] = []
    before = everywhere()
    settle()
    writes, transactions = row_writes(), server_transactions()
    with child("counting", "flusher") as flusher:
        ticks = _Ticks(flusher)
        replay = Replay(iter(range(len(views))), views, _target(counters), _THREADS)
        result = replay.run(lambda sent, seconds: ticks.pass_to(seconds))
        flushes = ticks.finish()
    settle()
    sent = [*((each.statements, each.transactions) for each in counters)]
    sent += [(flush["statements"], flush["transactions"]) for flush in flushes]
    return Traced(
        result,
        statements=sum(statements for statements, _ in sent),
        transactions=sum(transactions for _, transactions in sent),
        server_transactions=server_transactions() - transactions,
        writes={table: count - writes.get(table, 0) for table, count in row_writes().items()},
        before=before,
    )


def _target(counters: list[Statements]) -> Callable[[], ServiceTarget]:
    def new_target() -> ServiceTarget:
        counters.append(Statements().watch())
        return ServiceTarget()

    return new_target


class _Ticks:
    """Orders the flushes while time passes."""

    def __init__(self, flusher: Child) -> None:
        self._flusher = flusher
        self._ordered = 0

    def pass_to(self, seconds: float) -> None:
        """Order the flushes that are due that many seconds after the beginning."""
        while (self._ordered + 1) * PERIOD <= seconds:
            self._order(0.0)

    def finish(self) -> list[dict[str, Any]]:
        """Flush the rest once its bucket is over, and return the statistics of all flushes."""
        self._order(next_end(_ASIDE))
        return [self._flusher.answer()[0] for _ in range(self._ordered)]

    def _order(self, when: float) -> None:
        self._flusher.order([when])
        self._ordered += 1


def _rows(name: str, found: Traced, reach: Reach | None) -> list[Row]:
    """Return the rows of one run. The server's own count of transactions includes its background work."""
    views = found.result.views
    server = f"{found.transactions:,} (by the server {found.server_transactions:,}) for {views:,} views"
    totals, hours = (found.writes[table] for table in ("products_productviews", "products_productviewshour"))
    said = f"{totals:,} totals, {hours:,} hours, for {views:,} views"
    written = sum(found.writes.values())
    return [
        _fewer(f"{name}: statements", found.statements, views, f"{found.statements:,} for {views:,} views", reach),
        _fewer(f"{name}: transactions", found.transactions, views, server, reach),
        row(f"{name}: rows written", written, "", said, written / views),
        row(f"{name}: views a second, {_THREADS} threads", found.result.per_second, "1/s"),
        exactness(name, found.result.ok, found.before),
    ]


def _fewer(name: str, count: int, views: int, said: str, reach: Reach | None) -> Row:
    return row(f"{name}, fewer than one a view", 100 * (1 - count / views), "%", said, None, reach)
