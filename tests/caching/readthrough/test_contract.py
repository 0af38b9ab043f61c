"""The contract of the read-through, for every interface, with one server and with two, and with every codec."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

pytest.register_assert_rewrite("tests.caching.contract", "tests.caching.contract_of_filling")

import orjson  # noqa: E402

from caching.entries import codec, dictionaries  # noqa: E402
from caching.readthrough.resource import registry  # noqa: E402
from tests.caching import packing  # noqa: E402
from tests.caching.contract import ReadManyThrough, ReadThrough  # noqa: E402
from tests.caching.contract_of_filling import Filling  # noqa: E402
from tests.caching.readers import FACES, FILLERS, Truth  # noqa: E402


class Setting(NamedTuple):
    """How many servers there are, and the codec that entries are packed by."""

    servers: int
    tag: int


SETTINGS = {
    "one server, raw": Setting(1, codec.RAW),
    "one server, zstd": Setting(1, codec.ZSTD),
    "one server, dictionary": Setting(1, codec.ZSTD_DICT),
    "two servers, raw": Setting(2, codec.RAW),
    "two servers, dictionary": Setting(2, codec.ZSTD_DICT),
}


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS)
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    chosen: Setting = request.param
    if chosen.servers == 2:
        # Both roles use the test's server, but in two round trips, as if it were two servers.
        monkeypatch.setattr("caching.redis.round_trip.one_server", lambda: False)
    registry = dictionaries.registry
    # This process does not poll PostgreSQL for dictionaries: it knows the one it needs, or that there is none.
    current = {"things": packing.dictionary("things")} if chosen.tag == codec.ZSTD_DICT else {}
    registry.start_afresh(poll_at=math.inf, current=current)
    yield chosen
    registry.start_afresh()


@pytest.fixture
def tag(setting: Setting) -> int:
    return setting.tag


@pytest.fixture
def values(setting: Setting) -> Callable[[int], Any]:
    """Return a function from a number to its value, large enough for the codec to pack it."""
    repeat = 10 if setting.tag == codec.ZSTD else 1
    return lambda number: [orjson.loads(packing.body(number))] * repeat


@pytest.fixture
def truth() -> Truth:
    return Truth()


@pytest.fixture
def make(setting: Setting, truth: Truth, clock: Any) -> Iterator[Callable[[type], Any]]:
    """Return a function that makes an interface of a class, on the truth."""

    def made(kind: type) -> Any:
        face = kind(truth, clock)
        # A short wait for another loader, so that the test is fast.
        face.source.policy = face.source.store.policy = dataclasses.replace(face.source.policy, wait=0.05)
        return face

    yield made
    registry.remove("things")


@pytest.fixture
def key(face: Any) -> Callable[[int], str]:
    """Return a function from a number to the key of its entry."""
    return lambda number: face.source.store.keys.entry(face.id(number))


class TestReadThrough(ReadThrough):
    @pytest.fixture(params=FACES, ids=lambda kind: kind.__name__)
    def face(self, request: pytest.FixtureRequest, make: Any) -> Any:
        return make(request.param)


class TestReadManyThrough(ReadManyThrough):
    @pytest.fixture(params=[kind for kind in FACES if kind.many], ids=lambda kind: kind.__name__)
    def face(self, request: pytest.FixtureRequest, make: Any) -> Any:
        return make(request.param)


class TestFilling(Filling):
    @pytest.fixture(params=FILLERS, ids=lambda kind: kind.__name__)
    def face(self, request: pytest.FixtureRequest, make: Any) -> Any:
        return make(request.param)
