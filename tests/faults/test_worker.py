"""Jobs in real processes: a Celery worker and beat."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone

from caching.models import JobRun
from offers.models import Offer, OfferStatus
from products.cache import product_views
from products.models import Product, ProductViews
from tests.factories import ProductFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]


@contextmanager
def process(env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `celery -A marketplace …`, and end it with its children."""
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
    """Wait until another process has done something."""
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

    # Then the old value is returned, and a worker loads the new one
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


def test_an_offer_expires_on_time_without_a_worker_and_a_later_sweep_closes_its_row(as_user, process_env, settings):
    # Given an offer with the shortest lifetime, made through the API while neither worker nor beat runs
    settings.OFFER_MIN_SECONDS = 2
    product, buyer = ProductFactory(), UserFactory()
    asked = {"product_id": product.pk, "amount": "10.00", "expires_at": timezone.now() + timedelta(seconds=2)}
    made = as_user(buyer).post("/api/v1/offers/", asked, format="json")
    assert (made.status_code, made.json()["status"]) == (201, "active"), made.json()
    path = f"/api/v1/offers/{made.json()['id']}/"
    row = Offer.objects.filter(pk=made.json()["id"])

    # When its lifetime ends
    seller = as_user(product.seller)
    eventually(lambda: seller.get(path).json()["status"] == "expired", 10)

    # Then it ended exactly on time and cannot be accepted, though its row still says active
    assert seller.get(path).json()["closed_at"] == made.json()["expires_at"]
    assert seller.post(f"{path}accept/").status_code == 409
    assert row.get().status == OfferStatus.ACTIVE

    # And when a worker runs, the sweep closes the row and leaves a record. The test sends the task itself, because beat
    # sends its first one after a minute.
    current_app.send_task("offers.tasks.process_expired_offers")
    with worker(process_env):
        eventually(lambda: row.get().status == OfferStatus.EXPIRED)
        eventually(lambda: JobRun.objects.filter(job="process_expired_offers", outcome="succeeded").exists())
    assert row.get().closed_at == row.get().expires_at
