"""Jobs as they really run: a Celery worker and beat in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection

from caching.models import JobRun
from offers.models import Offer, OfferStatus
from products.cache import product_views
from products.models import Product, ProductViews
from tests.factories import OfferFactory, ProductFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]


@contextmanager
def process(env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `celery -A marketplace …` and end it with its children."""
    command = [sys.executable, "-m", "celery", "-A", "marketplace", *arguments]
    running = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def worker(env: dict[str, str]) -> subprocess.Popen[bytes]:
    options = ["--pool", "solo", "-Q", "celery,jobs", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return process(env, "worker", *options)


def eventually(true: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until something that another process does has happened."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_worker_refreshes_what_a_reader_found_stale(api, process_env, redis_state):
    # Given an entry that is stale: written as if loaded an hour ago
    from products.cache import products

    product = ProductFactory(title="Old title")
    store = products.store
    tokens = store.lease([product.pk])
    body = products.loader([product.pk]).bodies[product.pk]
    store.fill({product.pk: body}, tokens, store.clock() - 3_600_000, 0)
    Product.objects.filter(pk=product.pk).update(title="New title")
    path = f"/api/v1/products/{product.pk}/"

    # When it is read
    stale = api.get(path)

    # Then the old value is answered, and a worker brings the new one
    assert stale.headers["Cache-Status"] == "marketplace; hit; detail=stale"
    assert stale.json()["title"] == "Old title"
    with worker(process_env):
        eventually(lambda: api.get(path).headers["Cache-Status"] == "marketplace; hit")
    assert api.get(path).json()["title"] == "New title"


def test_views_reach_the_database_by_beat_and_worker_and_each_run_leaves_a_record(api, process_env, tmp_path: Path):
    product = ProductFactory()
    for _ in range(25):
        api.get(f"/api/v1/products/{product.pk}/")

    with worker(process_env), process(process_env, "beat", "-s", str(tmp_path / "schedule"), "--pidfile="):
        eventually(lambda: ProductViews.objects.get(product=product).views == 25)
        eventually(lambda: JobRun.objects.filter(job="sync_view_counts", stats__total_views=25).exists())
    assert product_views.live([product.pk]) == {product.pk: 25}


def test_an_offer_dies_on_time_without_a_worker_and_is_swept_when_one_returns(as_user, process_env):
    # Given an offer whose time passed while neither worker nor beat ran
    offer = OfferFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE offers_offer SET created_at = clock_timestamp() - interval '2 minutes',"
            " expires_at = clock_timestamp() - interval '1 millisecond' WHERE id = %s",
            [offer.pk],
        )

    # Then it reads as expired and cannot be accepted, though its row still says active
    seller = as_user(offer.seller)
    assert seller.get(f"/api/v1/offers/{offer.pk}/").json()["status"] == "expired"
    assert seller.post(f"/api/v1/offers/{offer.pk}/accept/").status_code == 409
    assert Offer.objects.get(pk=offer.pk).status == OfferStatus.ACTIVE

    # And when a worker is back, the sweep says so in the row
    current_app.send_task("offers.tasks.process_expired_offers")
    with worker(process_env):
        eventually(lambda: Offer.objects.get(pk=offer.pk).status == OfferStatus.EXPIRED)
