"""The hit lane answers as DRF would: each request is sent twice, in equal worlds, once past the lane."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from rest_framework.views import APIView

from caching.http.hit_lane import HitLane
from tests.marketplace.api.lane import variants
from tests.marketplace.api.lane.bodies import bodies
from tests.marketplace.api.lane.fixture_world import World
from tests.marketplace.api.lane.lanes import Lanes
from tests.marketplace.api.lane.request import Request, Twist
from tests.marketplace.api.lane.states import State, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TARGETS = [variants.DETAIL, *variants.FEEDS, *variants.BATCHES]


@pytest.fixture
def lanes(redis_state: Any, monkeypatch: pytest.MonkeyPatch, redis_commands: Any) -> Iterator[Lanes]:
    asked: list[str] = []

    def note(view: type) -> None:
        dispatch = view.dispatch

        def noted(*args: Any, **kwargs: Any) -> Any:
            asked.append(view.__name__)
            return dispatch(*args, **kwargs)

        monkeypatch.setattr(view, "dispatch", noted)

    world = World(redis_state, monkeypatch)
    note(APIView)
    note(HitLane)
    # Many requests provoke errors on purpose; their log lines would hide the report of a failing test.
    logging.disable(logging.ERROR)
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    with redis_commands() as trips:
        yield Lanes(world, trips, asked)
    for signal in signals:
        signal.connect(close_old_connections)
    logging.disable(logging.NOTSET)
    world.restore()


def families(target: Request) -> list[list[Twist] | list[State]]:
    """Return, by family, how a request to a target may differ from the plainest one."""
    if target.name == "detail":
        inputs = variants.IDS
    elif target in variants.FEEDS:
        inputs = [*variants.PAGES, *variants.HOSTS]
    elif target.name == "user batch":
        inputs = bodies(target, "user_ids", variants.USERS, variants.INACTIVE)
    else:
        inputs = bodies(target, "product_ids", variants.PRODUCTS, variants.WITHDRAWN)
    methods = [
        twist._replace(plain=twist.plain and target.method == "GET")
        for twist in variants.METHODS
        if twist.name != target.method
    ]
    return [inputs, variants.ACCEPTS, methods, variants.CONDITIONS, variants.SURROUNDINGS, states(target)]


def pairs(target: Request, start: int, step: int) -> list[tuple[Twist | State, ...]]:
    """Return every `step`th pair of two families."""
    found = [pair for one, other in combinations(families(target), 2) for pair in ((a, b) for a in one for b in other)]
    return found[start::step]


def faults(lanes: Lanes, target: Request, cases: list[tuple[Twist | State, ...]]) -> list[str]:
    """Return what is wrong with the cases, each by name."""
    wrong = []
    for case in cases:
        request, state = target, None
        for twist in case:
            if isinstance(twist, State):
                state = twist
            else:
                request = twist.of(request)
        name = " + ".join(twist.name for twist in case) or "the plainest request"
        plain = is_plain(case, _asked_for(request) == _asked_for(target))
        wrong += [f"{target.name}, {name}: {what}" for what in lanes.differences(request, state, plain)]
    return wrong


def is_plain(case: tuple[Twist | State, ...], asks_the_same: bool) -> bool | None:
    """Return whether the lane must answer; None if the request may read something else than the state has changed."""
    if any(isinstance(twist, Twist) and not twist.plain for twist in case):
        return False
    plain = [twist.plain for twist in case]
    if None in plain or not (all(plain) or asks_the_same):
        return None
    return all(plain)


def _asked_for(request: Request) -> tuple[str, str, bytes]:
    return request.path.rstrip("/"), request.query, request.body


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_each_twist_and_state_by_itself(lanes: Lanes, target: Request) -> None:
    cases: list[tuple[Twist | State, ...]] = [(), *((twist,) for family in families(target) for twist in family)]
    wrong = faults(lanes, target, cases)
    assert not wrong, "\n".join(wrong)


# All pairs would be thirty thousand. The steps are primes, so that every value of every family occurs.
SAMPLES = [
    (variants.DETAIL, 0, 5),
    *((feed, 4 * index, 17) for index, feed in enumerate(variants.FEEDS)),
    *((batch, 3 * index, 7) for index, batch in enumerate(variants.BATCHES)),
]


@pytest.mark.parametrize(("target", "start", "step"), SAMPLES, ids=[target.name for target, *_ in SAMPLES])
def test_pairs_of_two_families(lanes: Lanes, target: Request, start: int, step: int) -> None:
    wrong = faults(lanes, target, pairs(target, start, step))
    assert not wrong, "\n".join(wrong)
