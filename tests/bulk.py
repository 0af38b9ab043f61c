"""Tables as large as those of a marketplace, made by the database itself in seconds."""

from __future__ import annotations

from django.db import connection, transaction

CATEGORIES = 50
USERS = 1000
OFFERS = 200_000
# The id of a user who sells and buys far more than any other.
DEALER = 8

_PEOPLE = f"""
    INSERT INTO accounts_user (id, username, display_name, password, first_name, last_name, email,
                               is_active, is_staff, is_superuser, date_joined)
    SELECT n, 'bulk' || n, 'Bulk ' || n, '!', '', '', '', true, false, false, now()
    FROM generate_series(1, {USERS}) AS n
"""
_CATEGORIES = f"""
    INSERT INTO products_category (id, slug, name)
    SELECT n, 'bulk-' || n, 'Bulk ' || n FROM generate_series(1, {CATEGORIES}) AS n
"""
# Numbers are scattered by multiplication with primes, so that no column follows the order of another.
_PRODUCTS = f"""
    INSERT INTO products_product (id, seller_id, category_id, title, description, price, currency, image_url, status,
                                  source, source_id, created_at, updated_at)
    SELECT n, CASE WHEN n % 11 = 3 THEN {DEALER} ELSE 1 + n * 7919 % {USERS} END,
           1 + n * 104729 / 7 % {CATEGORIES}, 'Lamp model' || n % 5000,
           'series' || n % 700, 1 + n * 15485863 % 99900 / 100.0, 'EUR', '',
           CASE WHEN n % 10 = 0 THEN 'sold' WHEN n % 25 = 1 THEN 'withdrawn' ELSE 'available' END,
           '', '', now() - n * 32452843 % 31536000 * interval '1 second', now()
    FROM generate_series(1::bigint, :products) AS n
"""
_VIEWS = "INSERT INTO products_productviews (product_id, views) SELECT id, id % 1000 FROM products_product"
# Half of the catalogue was viewed within thirty days, each product in one of their hours.
_HOURS = """
    INSERT INTO products_productviewshour (hour, product_id, views)
    SELECT date_trunc('hour', now()) - (id * 86028121 % 720) * interval '1 hour', id, 1 + id % 50
    FROM products_product WHERE id % 10 < 5
"""
# A tenth of the offers is active, and a few of these are due. Buyers and sellers are scattered likewise.
_OFFERS = f"""
    INSERT INTO offers_offer (product_id, buyer_id, seller_id, amount, currency, message, status, created_at,
                              expires_at, closed_at)
    SELECT p.id, o.buyer, p.seller_id, 5, 'EUR', '', s.status, o.made, o.made + o.life,
           CASE WHEN s.status = 'active' THEN NULL ELSE o.made + o.life END
    FROM generate_series(1::bigint, {OFFERS}) AS n
    JOIN products_product p ON p.id = 1 + n % (SELECT count(*) FROM products_product)
    CROSS JOIN LATERAL (SELECT CASE n % 10 WHEN 0 THEN 'active' WHEN 1 THEN 'accepted' WHEN 2 THEN 'declined'
                               WHEN 3 THEN 'withdrawn' ELSE 'expired' END AS status) AS s
    CROSS JOIN LATERAL (SELECT CASE WHEN n % 13 = 5 THEN {DEALER}
                                    ELSE 1 + (p.seller_id + n % 997) % {USERS} END AS buyer,
                               now() - (n * 15485863 % 2592000) * interval '1 second' AS made,
                               CASE WHEN n % 1000 = 0 THEN interval '1 minute' ELSE interval '31 days' END AS life) AS o
    WHERE o.buyer <> p.seller_id
    ON CONFLICT DO NOTHING
"""
_TABLES = (
    "offers_offer, products_productviewshour, products_productviews, products_product, products_category, accounts_user"
)
# The statement timeout of the settings is meant for requests.
_NO_LIMIT = "SET LOCAL statement_timeout = 0"
# Foreign keys are checked row by row, which takes a large part of the time. Only a superuser may switch that off; the
# role of the suite's own PostgreSQL is one.
_UNCHECKED = """
    SELECT set_config('session_replication_role', 'replica', true)
    FROM pg_roles WHERE rolname = current_user AND rolsuper
"""


@transaction.atomic
def make_catalogue(products: int) -> None:
    """Make users, categories, products, their counts and a month's views, and analyse the tables."""
    insert = _PRODUCTS.replace(":products", str(products))
    _run(_NO_LIMIT, _UNCHECKED, _PEOPLE, _CATEGORIES, insert, _VIEWS, _HOURS, f"ANALYZE {_TABLES}")


@transaction.atomic
def make_offers() -> None:
    """Make two hundred thousand offers on the existing products, and analyse the table."""
    _run(_NO_LIMIT, _UNCHECKED, _OFFERS, "ANALYZE offers_offer")


def drop_everything() -> None:
    """Empty the tables."""
    _run(f"TRUNCATE {_TABLES} RESTART IDENTITY CASCADE")


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
