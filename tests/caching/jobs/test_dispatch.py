"""Enqueueing never fails, and never delays, the request that noticed the work."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from caching.jobs.dispatch import enqueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["refusing", "frozen"])
def broker_away(request, broker_at) -> Iterator[None]:
    """A broker that refuses connections, or one that accepts them and never replies."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if request.param == "refusing":
        listener.close()
    broker_at(port)
    yield
    listener.close()


def test_a_message_is_sent_by_name_with_its_arguments(queue):
    enqueue("some.task", "a", [1], expires=5)
    assert queue.messages() == [("some.task", ["a", [1]])]


def test_inside_a_transaction_it_is_sent_after_the_commit_and_not_after_a_rollback(queue):
    with transaction.atomic():
        enqueue("some.task", expires=5)
        assert queue.messages() == []
    assert len(queue.messages()) == 1

    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        enqueue("some.task", expires=5)
        _ = 1 / 0
    assert len(queue.messages()) == 1


def test_a_broker_that_is_away_costs_less_than_a_second_each_time_and_no_error(broker_away):
    began = time.monotonic()
    enqueue("some.task", expires=5)
    enqueue("some.task", expires=5)
    assert time.monotonic() - began < 2


def test_outside_a_transaction_no_database_is_asked(queue):
    connection.close()
    enqueue("some.task", expires=5)
    assert connection.connection is None
