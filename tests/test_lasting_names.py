"""Names that outlive a release: the processes of the next one find the keys, rows, messages and series of this one.

A name that is added here must stay; a change of one needs a migration and an entry in the changelog.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.urls import resolve
from django.utils import timezone
from prometheus_client import REGISTRY

from caching import clear, set_compressed
from caching.counters.family import Visit
from caching.jobs.lock import lock_key
from caching.keys import KeySpace
from marketplace.celery import app as celery
from offers.deadlines import offer_deadlines
from offers.expiration import process_expired_offers
from products.cache import product_views
from products.view_counts import sync_view_counts
from tests.factories import CounterSpillFactory, OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)

OUR_APPS = {"caching", "products", "offers", "accounts"}
TABLES = """
    accounts_user: user_display_name_not_blank user_username_any_case
    caching_counterbucket: counter_bucket_amounts counter_bucket_applied counter_bucket_once counter_bucket_retained
    caching_counterfield: counter_field_newest counter_field_reason
    caching_counterspill: counter_spill_oldest counter_spill_once counter_spill_positive
    caching_dictionary: dictionary_newest dictionary_number_32_bit
    caching_invalidation:
    caching_jobrun: job_run_finished job_run_latest job_run_outcome job_run_running job_run_started
    offers_offer: offer_amount_minor_unit offer_amount_positive offer_buyer_due offer_buyer_is_not_seller
        offer_buyer_newest offer_buyer_status offer_closed_at offer_closed_in_time offer_currency offer_due_in_order
        offer_expires_later offer_one_active offer_product offer_seller_due offer_seller_newest offer_seller_status
        offer_status
    offers_offerevent: offer_event_actor offer_event_due offer_event_due_or_delivered offer_event_given_up
        offer_event_of_offer offer_event_one_reminder
    products_category: category_name_not_blank category_slug
    products_product: product_category product_category_newest product_currency product_newest product_price
        product_price_minor_unit product_price_positive product_search product_seller_newest product_source_once
        product_source_whole product_status product_title_not_blank
    products_productviews: product_views_not_negative
    products_productviewshour: product_views_hour_positive
"""
COLUMNS = """
    accounts_user: date_joined display_name email first_name id is_active is_staff is_superuser last_login last_name
        password username
    caching_counterbucket: applied_at bucket family fields id orphaned retained shard surplus total
    caching_counterfield: bucket created_at family field id reason shard value
    caching_counterspill: amount counter family hour id slot
    caching_dictionary: created_at data namespace number packed_bytes raw_bytes samples
    caching_invalidation: created_at id ids namespace
    caching_jobrun: error finished_at id job outcome started_at stats
    offers_offer: amount buyer_id closed_at created_at currency expires_at id message product_id seller_id status
    offers_offerevent: actor_id at attempts delivered_at due_at error expires_at id kind offer_id role told
    products_category: id name slug
    products_product: category_id created_at currency description id image_url price seller_id source source_id
        status title updated_at
    products_productviews: product_id views
    products_productviewshour: hour product_id views
"""
TASKS = """
    caching.tasks.cleanup_old_cache caching.tasks.refresh offers.tasks.deliver_offer_events
    offers.tasks.process_expired_offers offers.tasks.send_offer_reminders products.tasks.prepare_feed_page
    products.tasks.sync_view_counts
"""
SERIES = """
    cache_bad_entries(namespace) cache_breaker_opened(server) cache_breakers_open(server)
    cache_early_refreshes(namespace) cache_enqueue_failures(task) cache_fills(namespace,result)
    cache_invalidations(namespace) cache_invalidations_replayed(namespace) cache_lease_waits(namespace)
    cache_loads_backed_off(namespace) cache_reads(namespace,result) cache_redis_failures(operation) counter_alarms
    counter_backlog_buckets counter_backlog_bytes counter_backlog_fields counter_backlog_known counter_backlog_seconds
    counter_buckets_changed(family) counter_increments_refused(family,reason) counter_increments_spilled(family)
    counter_last_flush_seconds counter_memory_lost(family) counter_spill_rows counter_spilled
    http_request_seconds(method,route,status) offer_events_given_up offer_events_known offer_events_oldest_seconds
    offer_events_waiting offers_due offers_due_oldest_seconds
"""
# N stands for any number.
KEYS = """
    mp:c:{feed:discover:N:N} mp:c:{product:N} mp:c:{user:N} mp:d:{offers:N}:due mp:d:{offers:N}:walk mp:g:product
    mp:l:{feed:discover:N:N} mp:n:{product_views:N}:aside:N mp:n:{product_views:N}:b:N mp:n:{product_views:N}:buckets
    mp:n:{product_views:N}:live:N mp:n:{product_views:N}:merged mp:n:{product_views:N}:sealed
    mp:n:{product_views:N}:seen:N:visitor mp:n:{product_views:N}:uniq:N:N mp:t:write:user:N mp:z:named
"""
# The advisory lock of each job: two releases of it must not run at once.
LOCKS = {
    "sync_view_counts": 2528793820036803309,
    "process_expired_offers": 1420459185868395596,
    "send_offer_reminders": 2606596642995960080,
    "deliver_offer_events": -9223006631349660067,
    "cleanup_old_cache": 988044488202259114,
}


def test_tables_columns_indexes_and_constraints():
    models = [model for model in apps.get_models() if model._meta.app_label in OUR_APPS]
    found = {
        model._meta.db_table: {each.name for each in (*model._meta.constraints, *model._meta.indexes)}
        for model in models
    }
    assert found == _by_table(TABLES)
    with connection.cursor() as cursor:
        assert set(found) <= set(connection.introspection.table_names(cursor))
        columns = {
            table: {each.name for each in connection.introspection.get_table_description(cursor, table)}
            for table in found
        }
    assert columns == _by_table(COLUMNS)


def test_tasks():
    celery.loader.import_default_modules()
    assert {name for name in celery.tasks if not name.startswith("celery.")} == set(TASKS.split())


def test_series_and_their_labels():
    resolve("/metrics")
    labels = {
        collector._name: ",".join(collector._labelnames)
        for collector in REGISTRY._collector_to_names
        if hasattr(collector, "_labelnames")
    }
    names = {metric.name for metric in REGISTRY.collect() if not metric.name.startswith(("process_", "python_"))}
    assert {f"{name}({labels[name]})" if name in labels else name for name in names} == set(SERIES.split())


def test_keys(api: Any, as_user: Any, queue: Any, redis_state: Any):
    # When everything that writes a key is done once
    product, offer = ProductFactory(), OfferFactory(expires_at=timezone.now() + timedelta(hours=1))
    clear("product")
    api.get(f"/api/v1/products/{product.pk}/")
    api.get("/api/v1/feeds/discover/", {"per_page": 1})
    api.post("/api/v1/batch/users/", {"user_ids": [product.seller_id]}, format="json")
    body = {"product_id": product.pk, "amount": "1.00"}
    assert as_user(offer.buyer).post("/api/v1/offers/", body, format="json").status_code == 201
    product_views.increment(product.pk, visit=Visit("visitor", 1000, "20261130", 1000))
    set_compressed("named", {}, ttl=60)
    CounterSpillFactory(counter=product.pk)
    sync_view_counts()
    process_expired_offers()
    offer_deadlines.set_bookmark("table", "here")
    redis_state.hset(product_views.key(0, "b:7"), str(product.pk), 1)
    product_views.set_aside(0, 7)

    # Then these are the keys
    found = {re.sub(r"(?<=[:{])\d+", "N", key.decode()) for key in redis_state.scan_iter()}
    assert {key for key in found if not key.startswith("mp:q:")} == set(KEYS.split())
    assert "mp:q:celery" in found


def test_keys_that_are_there_for_moments():
    keys = KeySpace("product")
    assert (keys.lease(1), keys.waiters(1), keys.wake(1)) == (
        "mp:l:{product:1}",
        "mp:w:{product:1}",
        "mp:k:{product:1}",
    )


def test_locks_of_jobs():
    assert {name: lock_key(name) for name in settings.CELERY_BEAT_SCHEDULE} == LOCKS


def _by_table(text: str) -> dict[str, set[str]]:
    tables: dict[str, set[str]] = {}
    for word in text.split():
        if word.endswith(":"):
            names = tables.setdefault(word[:-1], set())
        else:
            names.add(word)
    return tables
