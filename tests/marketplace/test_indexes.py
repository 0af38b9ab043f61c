"""Logins, pages by cursor, the ledger and the clean-up use their indexes in tables as large as after years."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from caching.upkeep.cleanup import cleanup_old_cache
from marketplace.accounts.cache import load_users
from marketplace.accounts.models import User
from products import feed_pages
from products.cache import load_products, product_views
from products.view_counts import increment_view, sync_view_counts
from tests.bulk import CATEGORIES, DEALER, USERS, drop_everything, make_catalogue, make_offers
from tests.plans import Plan, explain, plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

BIG = {
    "accounts_user",
    "caching_counterbucket",
    "caching_jobrun",
    "offers_offer",
    "products_category",
    "products_product",
    "products_productviews",
    "products_productviewshour",
}
_MORE_PEOPLE = f"""
    INSERT INTO accounts_user (id, username, display_name, password, first_name, last_name, email,
                               is_active, is_staff, is_superuser, date_joined)
    SELECT n, 'More' || n, 'More ' || n, '!', '', '', '', n % 50 > 0, false, false, now()
    FROM generate_series({USERS + 1}, 50000) AS n
"""
_MORE_CATEGORIES = f"""
    INSERT INTO products_category (id, slug, name)
    SELECT n, 'more-' || n, 'More ' || n FROM generate_series({CATEGORIES + 1}, 1000) AS n
"""
# 50,000 rows over eight days, so that a day of them is past its retention; Redis may still hold the newest twelve
# of each shard.
_LEDGER = f"""
    INSERT INTO caching_counterbucket (family, shard, bucket, total, fields, orphaned, applied_at, retained)
    SELECT '{product_views.name}', n % 4, extract(epoch FROM now())::bigint / 5 - 1 - n / 4, 10, 3, 0,
           now() - n * interval '14 seconds', n < 48
    FROM generate_series(0, 49999) AS n
"""
# Fifteen days of runs, one day past the retention; the newest is still running.
_RUNS = """
    INSERT INTO caching_jobrun (job, started_at, finished_at, outcome, stats, error)
    SELECT CASE WHEN n % 12 = 0 THEN 'process_expired_offers' ELSE 'sync_view_counts' END,
           now() - n * interval '26 seconds', CASE WHEN n > 0 THEN now() - n * interval '26 seconds' END,
           CASE WHEN n > 0 THEN 'succeeded' ELSE 'running' END, '{}', ''
    FROM generate_series(0, 49999) AS n
"""
_CACHING = "caching_counterbucket, caching_jobrun"


@pytest.fixture(scope="module", autouse=True)
def years_of_business(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Many rows in every table, committed once for all tests of this module."""
    with django_db_blocker.unblock():
        make_catalogue(50_000)
        make_offers()
        with transaction.atomic():
            run("SET LOCAL statement_timeout = 0", _MORE_PEOPLE, _MORE_CATEGORIES, _LEDGER, _RUNS)
            run(f"ANALYZE accounts_user, products_category, {_CACHING}")
    yield
    with django_db_blocker.unblock():
        drop_everything()
        run(f"TRUNCATE {_CACHING} RESTART IDENTITY")


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def assert_reads(plan: Plan, *indexes: str) -> None:
    assert set(indexes) <= plan.indexes, plan.text
    assert not plan.scanned_tables & BIG, plan.text


def answered(read: Callable[[], Any], status: int = 200) -> Callable[[], None]:
    """Return a step that sends a request and asserts the status of its answer."""

    def act() -> None:
        assert read().status_code == status

    return act


@pytest.mark.parametrize("username", ["More4711", "mORE4711", "nobody"])
def test_a_login_finds_its_user_by_the_name_in_any_case(api: Any, username: str) -> None:
    credentials = {"username": username, "password": "correct-horse-9"}
    login = answered(lambda: api.post("/api/v1/auth/login/", credentials, format="json"), 401)

    assert_reads(plan_of(login, "accounts_user"), "user_username_any_case")


def test_a_hundred_users_are_loaded_by_their_ids() -> None:
    plan = plan_of(lambda: load_users(range(1, 50_000, 500)), "accounts_user")

    assert_reads(plan, "accounts_user_pkey")


def test_a_category_is_found_by_its_slug(api: Any) -> None:
    listed = plan_of(answered(lambda: api.get("/api/v1/products/?category=more-500")), "products_category")
    fed = plan_of(lambda: feed_pages.load_pages(["category/more-500:1:20"]), "products_category")

    for plan in (listed, fed):
        assert_reads(plan)
        assert any(name.startswith("products_category_slug_") for name in plan.indexes), plan.text


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_my_offers_behind_a_cursor_are_read_from_where_it_points(as_user: Any, role: str) -> None:
    plan = second_page(as_user(User.objects.get(pk=DEALER)), f"/api/v1/offers/?role={role}", "offers_offer")

    assert_reads(plan)
    assert plan.indexes & {f"offer_{role}_newest", f"offer_{role}_status"}, plan.text
    assert begins_at_the_cursor(plan), plan.text


def test_my_offers_in_both_roles_behind_a_cursor_use_both_indexes(as_user: Any) -> None:
    plan = second_page(as_user(User.objects.get(pk=DEALER)), "/api/v1/offers/", "offers_offer")

    assert_reads(plan)
    assert {"buyer", "seller"} <= {name.split("_")[1] for name in plan.indexes}, plan.text


@pytest.mark.parametrize(
    ("query", "index"),
    [("", "product_newest"), ("category=bulk-7", "product_category_newest"), ("seller=7", "product_seller_newest")],
)
def test_products_behind_a_cursor_are_read_from_where_it_points(api: Any, query: str, index: str) -> None:
    plan = second_page(api, f"/api/v1/products/?{query}", "products_product")

    assert_reads(plan, index)
    assert begins_at_the_cursor(plan), plan.text


def second_page(client: Any, path: str, table: str) -> Plan:
    """Return the plan of the statement that reads the second page."""
    following = client.get(path).json()["next"]
    return plan_of(answered(lambda: client.get(following)), table)


def begins_at_the_cursor(plan: Plan) -> bool:
    """Return whether the cursor bounds the scan of an index, rather than filtering its rows."""
    return any("created_at <=" in line for line in plan.text.splitlines() if '"Index Cond"' in line)


def test_a_load_reads_of_the_ledger_what_redis_may_still_hold() -> None:
    plan = plan_of(lambda: load_products(range(1, 50_000, 500)), "products_product")

    assert_reads(plan, "counter_bucket_retained", "products_product_pkey")
    assert len(load_products([2]).applied) == 48


def test_a_flush_reads_the_ledger_by_its_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given views in twelve buckets of each shard, whose time is over
    now = [int(timezone.now().timestamp()) * 1000]
    monkeypatch.setattr(product_views, "clock", lambda: now[0])
    with transaction.atomic():
        for _ in range(12):
            for id in (2, 3, 4, 5):
                increment_view(id)
            now[0] += 5000

        # When they are flushed
        with CaptureQueriesContext(connection) as captured:
            assert sync_view_counts()["total_views"] == 48
        transaction.set_rollback(True)

    # Then no statement scans the whole ledger
    asked = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE"))]
    plans = [explain(sql) for sql in asked if "caching_counterbucket" in sql]
    assert plans
    for plan in plans:
        assert plan.indexes & {"counter_bucket_once", "counter_bucket_retained"}, plan.text
        assert_reads(plan)


@pytest.mark.parametrize(
    ("table", "index"),
    [
        ("caching_counterbucket", "counter_bucket_applied"),
        ("caching_jobrun", "job_run_started"),
        ("products_productviewshour", "products_productviewshour_pkey"),
    ],
)
def test_the_tidying_reads_what_is_past_its_retention(table: str, index: str) -> None:
    plan = plan_of(cleanup_old_cache, table)

    assert_reads(plan, index)
