from __future__ import annotations

import json
from io import StringIO
from statistics import mean

import pytest
from django.core.management import CommandError, call_command

from caching.readthrough.fetch import fetch
from caching.redis.connections import pool

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("cache_stats", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def entries(redis_state, things, truth) -> None:
    truth.rows = dict.fromkeys(range(10), b"x" * 100)
    for id in truth.rows:
        fetch(things, id)
    redis_state.set("mp:q:celery", 1)


def test_it_counts_the_entries_of_each_namespace_and_what_they_take(redis_state, entries):
    found = json.loads(run("--json"))

    assert found["complete"]
    assert found["eviction_policy"]
    (line,) = found["namespaces"]
    assert (line["namespace"], line["entries"]) == ("things", 10)
    # Their sizes differ by a few bytes, because the header holds how long the load took.
    sizes = [redis_state.memory_usage(f"mp:c:{{things:{id}}}") for id in range(10)]
    assert line["bytes_each"] == round(mean(sizes))
    assert 3200 <= line["ttl_seconds"] <= 3600


def test_for_people_it_is_a_table(entries):
    text = run()
    assert "eviction_policy" in text
    assert text.splitlines()[-1].split()[:2] == ["things", "10"]


def test_what_its_budget_left_is_said(redis_state):
    redis_state.mset({f"mp:c:{{things:{id}}}": b"" for id in range(3000)})
    found = json.loads(run("--json", "--keys", "1000"))
    assert not found["complete"]
    assert found["namespaces"][0]["entries"] < 3000
    assert "The budget ended the count" in run("--keys", "1000")


def test_without_redis_it_says_so(monkeypatch):
    monkeypatch.setattr(pool("cache").breaker, "is_open", True)
    with pytest.raises(CommandError, match="Redis does not answer"):
        run()
