"""The async versions: the same round trips, one switch to the thread in which the ORM runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path

from caching import afetch, afetch_many, ainvalidate, invalidate
from caching.keys import KeySpace
from caching.readthrough.fetch import State
from caching.readthrough.resource import registry
from caching.redis.connections import client

pytestmark = pytest.mark.django_db(transaction=True)


async def read(request: HttpRequest) -> HttpResponse:
    """Answer thing 1, and invalidate it in a transaction; the query `undo` rolls that back."""
    things = registry.get("things")
    found = await afetch(things, 1)

    @sync_to_async
    @transaction.atomic
    def write() -> None:
        invalidate(things, [1])
        if "undo" in request.GET:
            transaction.set_rollback(True)

    await write()
    return HttpResponse(found.body, headers={"X-State": found.state})


urlpatterns = [path("thing/", read)]


def run_alone(story: Any) -> None:
    """Run a coroutine in a loop of its own, where the ORM runs in a thread of its own."""

    async def all_of_it() -> None:
        try:
            await story
        finally:
            await sync_to_async(connections.close_all)()

    asyncio.run(all_of_it())


def test_a_hundred_hits_are_one_mget(things, truth, redis_commands):
    truth.rows = {id: b"%d" % id for id in range(100)}

    async def story() -> None:
        await afetch_many(things, range(100))
        with redis_commands() as trips:
            batch = await afetch_many(things, range(100))
        assert (batch.origin.hits, list(batch.bodies)) == (100, list(range(100)))
        assert trips == [["MGET"]]

    run_alone(story())
    assert truth.loads == [list(range(100))]


def test_twenty_reads_at_once_load_once_and_all_get_the_answer(things, truth):
    truth.rows[1] = b"{}"

    async def story() -> None:
        found = await asyncio.gather(*(afetch(things, 1) for _ in range(20)))
        assert {answer.body for answer in found} == {b"{}"}

    run_alone(story())
    assert truth.loads == [[1]]


def test_an_invalidation_is_done_when_it_was_awaited(things, truth):
    truth.rows[1] = b"old"

    async def story() -> None:
        await afetch(things, 1)
        truth.rows[1] = b"new"
        await ainvalidate(things, iter([1]))
        assert (await afetch(things, 1))[:2] == (b"new", State.MISS)

    run_alone(story())


@pytest.mark.urls(__name__)
def test_in_an_async_view_a_transaction_invalidates_when_it_commits(things, truth):
    truth.rows[1] = b"{}"
    browser = AsyncClient()

    async def story() -> list[str]:
        answers = [await browser.get(address) for address in ("/thing/?undo", "/thing/", "/thing/?undo")]
        return [answer.headers["X-State"] for answer in answers]

    assert async_to_sync(story)() == ["miss", "hit", "miss"]
    assert client("cache").exists(KeySpace("things").entry(1)) == 1
