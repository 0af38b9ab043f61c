"""The fixture by which tests count round trips."""

from __future__ import annotations

from typing import Any

import pytest

from caching.redis.connections import client, pool


@pytest.mark.parametrize("is_new", [True, False], ids=["a new connection", "an old one"])
def test_a_round_trip_is_what_is_asked_and_not_how_the_connection_was_opened(is_new: bool, redis_commands: Any) -> None:
    if is_new:
        pool("state").reset()

    with redis_commands() as trips:
        client("state").get("key")
        with client("state").pipeline() as pipeline:
            pipeline.get("key").delete("key").execute()

    assert trips == [["GET"], ["MULTI", "GET", "DEL", "EXEC"]]
