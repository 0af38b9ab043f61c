"""The migrations on a database in use: they keep the rows, and none blocks reads or writes for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from tests.bulk import make_catalogue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BEFORE = [("offers", "0001_initial"), ("products", "0002_narrow_counters")]
WITH_RULES = [("offers", "0003_money_and_time"), ("products", "0003_money")]
WITH_COLUMNS = [("offers", "0004_event_told"), ("products", "0003_money")]
WITH_INDEXES = [("offers", "0007_offer_event_actor"), ("products", "0003_money")]
# The constraints that are added as NOT VALID, and their tables.
RULES = {
    "offer_amount_minor_unit": "offers_offer",
    "offer_closed_in_time": "offers_offer",
    "offer_currency": "offers_offer",
    "product_currency": "products_product",
    "product_price_minor_unit": "products_product",
}

_OFFERS = """
    INSERT INTO offers_offer (product_id, buyer_id, seller_id, amount, currency, message, status,
                              created_at, expires_at)
    SELECT id, 1, seller_id, 5, 'EUR', '', 'active', now(), now() + interval '1 day'
    FROM products_product WHERE seller_id <> 1
"""
_SCHEMA = """
    SELECT relname, pg_get_indexdef(indexrelid), indisvalid
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = ANY(%(tables)s::regclass[])
    UNION ALL
    SELECT conname, pg_get_constraintdef(oid), convalidated
    FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[])
    ORDER BY 1, 2
"""
_READ = "SELECT count(*) FROM offers_offer JOIN products_product ON products_product.id = product_id"
_WRITE_ONE = "UPDATE offers_offer SET amount = 6 WHERE id = (SELECT {}(id) FROM offers_offer)"
# The lock that a write takes on its table.
_LOCK_AS_WRITES_DO = "LOCK TABLE offers_offer, products_product IN ROW EXCLUSIVE MODE"
_IS_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND starts_with(query, %s)
"""
# The schema after the first, unreleased versions of 0002 and 0003.
_AS_IN_DEVELOPMENT = [
    "DROP INDEX offer_due",
    "CREATE INDEX offer_due ON offers_offer (expires_at, id) WHERE status = 'active'",
    *(f"ALTER TABLE {table} VALIDATE CONSTRAINT {rule}" for rule, table in RULES.items()),
]


@pytest.fixture(scope="module")
def before(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database with products and offers, in the schema before the upgrade."""
    name = f"{connection.settings_dict['NAME']}_before"
    with django_db_blocker.unblock(), database(name):
        with leading_to(name):
            migrate(*BEFORE)
            make_catalogue(100)
            ask(_OFFERS)
        yield name


@pytest.fixture
def upgradable(before: str, transactional_db: None) -> Iterator[None]:
    """Connections go to a copy of that database."""
    name = f"{before}_copy"
    with database(name, before), leading_to(name):
        yield


@contextmanager
def database(name: str, template: str = "template1") -> Iterator[None]:
    ask(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield
    finally:
        ask(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def leading_to(name: str) -> Iterator[None]:
    """Make every new connection go to another database."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


@contextmanager
def session() -> Iterator[Any]:
    """Yield a cursor on a connection of its own."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    leaves = [leaf for app in ("products", "offers") for leaf in executor.loader.graph.leaf_nodes(app)]
    executor.migrate(list(targets) or leaves)


def ask(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def schema() -> list[tuple[Any, ...]]:
    """Return the indexes and constraints of the tables: name, definition, and whether they are valid."""
    return ask(_SCHEMA, {"tables": ["offers_offer", "offers_offerevent", "products_product"]})


def not_valid() -> list[str]:
    return sorted(name for name, _, is_valid in schema() if not is_valid)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def fresh_schema(django_db_setup: None, django_db_blocker: Any) -> list[tuple[Any, ...]]:
    """The schema of a fresh database: that of the tests."""
    with django_db_blocker.unblock():
        return schema()


def released() -> None:
    """Leave the database as it was before the upgrade."""


def developed() -> None:
    """Migrate by the first, unreleased versions of the migrations."""
    migrate(*WITH_RULES)
    for statement in _AS_IN_DEVELOPMENT:
        ask(statement)


def interrupted() -> None:
    """Migrate until the index is half built."""
    migrate(*WITH_COLUMNS)
    with pytest.raises(IntegrityError):
        ask("CREATE UNIQUE INDEX CONCURRENTLY offer_due_in_order ON offers_offer (buyer_id)")
    assert "offer_due_in_order" in not_valid()


@pytest.mark.parametrize("state", [released, developed, interrupted])
def test_an_upgrade_keeps_the_rows_and_leads_to_the_schema_of_a_fresh_database(fresh_schema, upgradable, state) -> None:
    # Given a database with rows, in one of the possible states
    rows = ask("SELECT * FROM offers_offer ORDER BY id")
    state()
    # When it is migrated
    migrate()
    # Then it has its rows, and every index and constraint is there and valid
    assert ask("SELECT * FROM offers_offer ORDER BY id") == rows
    assert len(rows) > 80
    assert schema() == fresh_schema
    assert not_valid() == []


def test_a_constraint_is_added_as_not_valid_and_holds_for_new_rows(upgradable) -> None:
    # When the migrations have run that lock whole tables
    migrate(*WITH_RULES)
    # Then they have validated no row and built no index
    assert not_valid() == list(RULES)
    assert "offer_due" in {name for name, *_ in schema()}
    # But new writes are checked
    with pytest.raises(IntegrityError, match="product_price_minor_unit"):
        ask("UPDATE products_product SET currency = 'JPY', price = 10.50 WHERE id = 1")


def test_a_migration_that_would_wait_for_a_lock_times_out(upgradable) -> None:
    # Given a long transaction that reads
    with session() as reader:
        reader.execute("BEGIN")
        reader.execute(_READ)
        # When the migration wants to lock the table
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(*WITH_RULES)
    # Then the migration can be repeated later
    migrate(*WITH_RULES)
    assert not_valid() == list(RULES)


@pytest.mark.parametrize(
    ("in_the_way", "statement"),
    [
        (_WRITE_ONE.format("min"), "CREATE INDEX CONCURRENTLY"),
        (_READ, 'DROP INDEX CONCURRENTLY IF EXISTS "offer_due"'),
    ],
    ids=["built", "removed"],
)
def test_reads_and_writes_go_on_while_an_index_is(upgradable, in_the_way, statement) -> None:
    # Given a transaction that the statement has to wait for
    migrate(*WITH_COLUMNS)
    with session() as busy, session() as other, ThreadPoolExecutor(1) as pool:
        busy.execute("BEGIN")
        busy.execute(in_the_way)
        # When it waits
        upgrade = pool.submit(migrated)
        try:
            until(lambda: ask(_IS_WAITING, [statement]) == [(1,)])
            # Then others can read and write
            other.execute("SET lock_timeout = '100ms'")
            other.execute(_READ)
            other.execute(_WRITE_ONE.format("max"))
            assert not upgrade.done()
        finally:
            busy.execute("COMMIT")
        assert upgrade.result(timeout=10) == []


def migrated() -> list[str]:
    """Migrate in a thread; return the indexes and constraints that are not valid after it."""
    try:
        migrate()
        return not_valid()
    finally:
        connection.close()


def test_the_validation_of_rows_does_not_block_writes(upgradable) -> None:
    # Given a transaction that writes
    migrate(*WITH_INDEXES)
    with session() as writer:
        writer.execute("BEGIN")
        writer.execute(_LOCK_AS_WRITES_DO)
        # When the rows are validated meanwhile
        ask("SET lock_timeout = '1s'")
        migrate()
        # Then neither waits for the other
        assert not_valid() == []
