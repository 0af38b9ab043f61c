"""One round trip for two roles: an error of one does not cost the other its replies, and `unknown` is exact."""

from __future__ import annotations

import pytest

from caching.redis.round_trip import round_trip
from caching.redis.scripts import Command
from tests.deploy.services import free_port

GET = Command(("GET", "entry"))
INCR = Command(("INCR", "counter"))
WRONG = Command(("INCR", "entry"))


@pytest.fixture(autouse=True)
def entry(redis_state) -> None:
    redis_state.set("entry", "body")


def test_both_answer():
    assert round_trip("read", [GET], [INCR]) == ([b"body"], [1], False)


def test_an_increment_that_is_refused_leaves_the_entry_its_answer():
    assert round_trip("read", [GET], [WRONG]) == ([b"body"], None, False)


def test_an_entry_that_is_refused_leaves_the_increment_its_answer():
    assert round_trip("read", [WRONG], [INCR]) == (None, [1], False)


def test_if_one_of_several_increments_is_refused_the_others_may_have_run():
    assert round_trip("read", [GET], [INCR, WRONG]) == ([b"body"], None, True)


def test_what_was_never_sent_did_not_run(reroute):
    reroute(free_port())
    assert round_trip("read", [GET], [INCR]) == (None, None, False)


def test_what_was_sent_and_not_answered_may_have_run(reroute, proxy):
    reroute(proxy.port)
    round_trip("read", [GET])
    proxy.freeze()
    assert round_trip("read", [GET], [INCR]) == (None, None, True)
