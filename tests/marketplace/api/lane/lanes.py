"""Sends a request twice, with the hit lane and past it, and compares the outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection

from caching.http.hit_lane import HitLane
from tests.marketplace.api.lane.fixture_world import Footprint, World, counted
from tests.marketplace.api.lane.request import Answer, Request, send
from tests.marketplace.api.lane.states import State


class Outcome(NamedTuple):
    """The outcome of a request: answer, footprint, whether the lane gave it, queries and round trips."""

    answer: Answer
    footprint: Footprint
    by_lane: bool
    queries: int
    trips: int


class Lanes:
    """Sends a request to a world, with the hit lane or past it."""

    def __init__(self, world: World, trips: list[Any], asked: list[str]) -> None:
        self.world = world
        self._application = WSGIHandler()
        self._trips = trips
        self._asked = asked
        self._etags: dict[tuple[str, str], str] = {}

    def ask(self, request: Request, state: State | None, with_lane: bool) -> Outcome:
        world, queries = self.world, 0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal queries
            queries += 1
            if not world.has_postgres:
                raise OperationalError("the server closed the connection unexpectedly")
            return execute(*args)

        world.restore()
        if state is not None:
            state.of(world)
        before = counted()
        self._trips.clear()
        self._asked.clear()
        with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(count):
            if not with_lane:
                patch.setattr(HitLane, "dispatch", _past)
            answer = send(self._application, request)
        trips = len(self._trips)
        return Outcome(answer, world.footprint(before), self._asked == ["HitLane"], queries, trips)

    def etag(self, request: Request) -> str:
        """Return the entity tag in DRF's answer to a request."""
        key = (request.path, request.query)
        if key not in self._etags:
            plain = Request("plain", request.path, query=request.query)
            self._etags[key] = self.ask(plain, None, with_lane=False).answer.header("ETag") or '"none"'
        return self._etags[key]

    def differences(self, request: Request, state: State | None, plain: bool | None) -> Iterator[str]:
        """Yield how the two outcomes differ, and what is wrong with the lane's; `plain` if the lane must answer."""
        request = self._with_etag(request)
        past, lane = self.ask(request, state, with_lane=False), self.ask(request, state, with_lane=True)
        for name in ("answer", "footprint"):
            for field in getattr(past, name)._fields:
                by_drf, by_lane = (getattr(getattr(outcome, name), field) for outcome in (past, lane))
                if by_drf != by_lane:
                    yield f"{field}: {_cut(by_drf)} by DRF, {_cut(by_lane)} by the lane"
        if lane.answer.status.startswith("500"):
            yield f"answered {lane.answer.status}"
        if plain is not None and lane.by_lane != plain:
            yield f"was {'not ' if plain else ''}answered by the lane"
        at_most = state.trips if state is not None else 1
        if plain and (lane.queries or lane.trips > at_most):
            yield f"took {lane.queries} queries and {lane.trips} round trips"

    def _with_etag(self, request: Request) -> Request:
        tag = request.environ.get("HTTP_IF_NONE_MATCH")
        if not tag or "{etag}" not in tag:
            return request
        return request.saying(HTTP_IF_NONE_MATCH=tag.replace("{etag}", self.etag(request)))


def _past(view: Any, *args: Any, **kwargs: Any) -> Any:
    return super(HitLane, view).dispatch(*args, **kwargs)


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}..."
