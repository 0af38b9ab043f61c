"""A resource refuses what it cannot count, and the registry knows each resource by its namespace."""

from __future__ import annotations

import pytest

from caching.counters.family import MAX_INCREMENT, CounterFamily
from caching.entries.policy import Policy
from caching.errors import UnknownNamespace
from caching.readthrough.fetch import fetch
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource, registry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("likes", shards=2, bucket_seconds=4)


def test_an_unknown_namespace_names_the_known_ones() -> None:
    with pytest.raises(UnknownNamespace, match=r"no namespace 'shelves'; there are .*product"):
        registry.get("shelves")


@pytest.mark.parametrize("amount", [-1, MAX_INCREMENT + 1])
def test_a_read_with_an_amount_that_cannot_be_counted_asks_nobody(family, redis_commands, amount):
    # Given a resource with a counter family, and one without
    counted = Resource(Policy("liked", soft_ttl=60, hard_ttl=600), lambda ids: Load({}), family)
    uncounted = Resource(Policy("plain", soft_ttl=60, hard_ttl=600), lambda ids: Load({}))

    # When they are read with such an amount, then it is refused before the round trip
    with redis_commands() as trips:
        with pytest.raises(ValueError, match="between 1 and"):
            fetch(counted, 1, amount)
        with pytest.raises(TypeError, match="plain was declared without a counter family"):
            fetch(uncounted, 1, amount)
    assert trips == []
