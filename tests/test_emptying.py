"""A test that commits leaves nothing to the next one but the rows that the migrations made."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

from offers.models import Offer
from products.models import Product
from tests import emptying
from tests.factories import CategoryFactory, OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> dict[str, int]:
    """Return how many rows each table has."""
    with connection.cursor() as cursor:
        counts = {}
        for name in connection.introspection.django_table_names(only_existing=True, include_views=False):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")
            counts[name] = cursor.fetchone()[0]
    return counts


@pytest.mark.parametrize("most", [1, 1000], ids=["truncated", "deleted"])
def test_rows_that_refer_to_each_other_go_and_what_migrations_made_stays(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given rows in several tables, and what was there before any test
    monkeypatch.setattr(emptying, "MOST_ROWS", most)
    made = {*Permission.objects.values_list("pk", "codename"), *ContentType.objects.values_list("pk", "model")}
    OfferFactory.create_batch(2)

    # when
    emptying.empty("default")

    # then
    assert {name for name, count in rows().items() if count} == emptying.KEPT
    left = {*Permission.objects.values_list("pk", "codename"), *ContentType.objects.values_list("pk", "model")}
    assert left == made


def test_rows_whose_writer_has_not_committed_yet_go_too() -> None:
    # given a session that has written and not committed
    written, wait = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            CategoryFactory()
            written.set()
            wait.wait(10)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)

    # when the database is emptied meanwhile
    threading.Timer(0.1, wait.set).start()
    emptying.empty("default")

    # then it waits for the commit
    writer.join()
    assert rows()["products_category"] == 0


def test_this_is_how_the_suite_does_it() -> None:
    OfferFactory()
    ProductFactory()

    TransactionTestCase("__init__")._fixture_teardown()

    assert not Offer.objects.exists()
    assert not Product.objects.exists()
    assert Permission.objects.exists()
