"""A marketplace with as many offers as are asked for, made by the database itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import ProgrammingError, connection, transaction

from benchmarks.harness.progress import Progress, tell
from offers.clock import database_now

# Offers of one statement.
_CHUNK = 250_000
# What ended at once did so this long ago.
_AGO = timedelta(seconds=1)
# What the benchmark before made; ids go on, so its entries in Redis are nobody's.
_EMPTY = "TRUNCATE accounts_user, products_category, products_product CASCADE"
_PEOPLE = """
    INSERT INTO accounts_user (username, display_name, password, first_name, last_name, email,
                               is_active, is_staff, is_superuser, date_joined)
    SELECT 'trader' || n, 'Trader ' || n, '!', '', '', '', true, false, false, now()
    FROM generate_series(0, %s) AS n RETURNING id
"""
_CATEGORY = "INSERT INTO products_category (slug, name) VALUES ('lamps', 'Lamps') RETURNING id"
_PRODUCTS = """
    INSERT INTO products_product (seller_id, category_id, title, description, price, currency, image_url, status,
                                  source, source_id, created_at, updated_at)
    SELECT %s, %s, 'Lamp model ' || n, repeat('In good order, hardly used, with its box. ', 9), 1 + n %% 999, 'EUR', '',
           'available', '', '', now() - n * interval '1 second', now()
    FROM generate_series(1::bigint, %s) AS n RETURNING id
"""
_VIEWS = "INSERT INTO products_productviews (product_id, views) SELECT unnest(%s::bigint[]), 0"
# Pairs and ends are scattered by multiplication with primes, so that neither follows the order of the rows.
_OFFERS = """
    WITH made AS (
        INSERT INTO offers_offer (product_id, buyer_id, seller_id, amount, currency, message, status, created_at,
                                  expires_at)
        SELECT (%(products)s::bigint[])[1 + pair / %(people)s], (%(buyers)s::bigint[])[1 + pair %% %(people)s],
               %(seller)s, 5, 'EUR', '', 'active', least(now(), at) - interval '1 hour', at
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
        CROSS JOIN LATERAL (SELECT n * 7919 %% %(count)s AS pair, n * 104729 %% %(count)s AS place) AS drawn
        CROSS JOIN LATERAL (SELECT CASE WHEN place < %(due)s
                                   THEN %(due_from)s::timestamptz + place * %(due_step)s::interval
                                   ELSE %(later_from)s::timestamptz + (place - %(due)s) * %(later_step)s::interval
                                   END AS at) AS ends
        RETURNING id, buyer_id, created_at, expires_at
    ), told AS (
        INSERT INTO offers_offerevent (offer_id, kind, at, actor_id, role, expires_at)
        SELECT id, 'made', created_at, buyer_id, 'buyer', expires_at FROM made
    )
    SELECT {returned} FROM made
"""
_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename IN ('offers_offer', 'offers_offerevent') AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""

Deadline = tuple[int, datetime]


class Market:
    """A seller, buyers, and products that nobody has made an offer on yet."""

    def __init__(self, seller: int, buyers: Sequence[int], products: Sequence[int]) -> None:
        self.seller = seller
        self.buyers = buyers
        self._unused = iter(products)

    def take(self, count: int) -> list[int]:
        """Return so many products, which nobody else is given."""
        return [next(self._unused) for _ in range(count)]

    def offers(self, products: Sequence[int], ends: Ends, buyers: Sequence[int] | None = None) -> list[Deadline]:
        """Make one offer for each pair of a product and a buyer, as far as there are ends, and return all."""
        values = {**self._pairs(products, buyers or self.buyers, ends), "first": 0, "last": ends.count - 1}
        with connection.cursor() as cursor:
            cursor.execute(_OFFERS.format(returned="id, expires_at"), values)
            return cursor.fetchall()

    def many(self, products: Sequence[int], ends: Ends) -> None:
        """Make very many of them, and let the planner know."""
        values, progress = self._pairs(products, self.buyers, ends), Progress("offers made", ends.count)
        with _unlimited() as cursor, _without_indexes(cursor):
            for first in range(0, ends.count, _CHUNK):
                last = min(first + _CHUNK, ends.count) - 1
                cursor.execute(_OFFERS.format(returned="count(*)"), {**values, "first": first, "last": last})
                progress.advance(last + 1 - first)
            tell("making their indexes")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("VACUUM (ANALYZE) offers_offer, offers_offerevent")
            cursor.execute("RESET statement_timeout")

    def _pairs(self, products: Sequence[int], buyers: Sequence[int], ends: Ends) -> dict[str, Any]:
        people = {"products": list(products), "buyers": list(buyers), "people": len(buyers), "seller": self.seller}
        return {**people, **ends.values}


class Ends:
    """When offers end: so many at even steps from a moment on, in no order, but for `due` of them, which ended at one
    moment just now, or over so much time before it."""

    def __init__(
        self, count: int, start: datetime, step: timedelta, due: int = 0, due_over: timedelta = timedelta(0)
    ) -> None:
        self.count = count
        self.due = due
        now = database_now()
        # Those that are due end in it, and nothing else does.
        self.due_span = (now - _AGO - due_over, now)
        self.values = {
            "count": count,
            "due": due,
            "due_from": self.due_span[0],
            "due_step": due_over / max(due, 1),
            "later_from": start,
            "later_step": step,
        }


@transaction.atomic
def make_market(buyers: int, products: int) -> Market:
    """Empty the tables, and make people and products."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)
        seller, *people = _ids(cursor, _PEOPLE, [buyers])
        (category,) = _ids(cursor, _CATEGORY, None)
        made = _ids(cursor, _PRODUCTS, [seller, category, products])
        cursor.execute(_VIEWS, [made])
        cursor.execute("ANALYZE accounts_user, products_product, products_productviews")
    return Market(seller, people, made)


@contextmanager
def _unlimited() -> Iterator[Any]:
    """Yield a cursor in a transaction that may take its time, and spares itself the look at what rows refer to."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The limit of the settings is meant for requests.
        cursor.execute("SET LOCAL statement_timeout = 0")
        try:
            with transaction.atomic():
                cursor.execute("SET LOCAL session_replication_role = replica")
        except ProgrammingError:
            # Only a superuser may; for others it takes longer.
            tell("foreign keys are checked row by row")
        yield cursor


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Do without the indexes of offers and events, and make them at the end, which takes a fifth of the time."""
    cursor.execute(_INDEXES)
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for _, definition in indexes:
        cursor.execute(definition)


def _ids(cursor: Any, sql: str, values: Sequence[Any] | None) -> list[int]:
    cursor.execute(sql, values)
    return sorted(row[0] for row in cursor.fetchall())
