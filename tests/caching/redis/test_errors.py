"""Whether a command that failed may have run."""

from __future__ import annotations

import pytest
import redis

from caching.redis.errors import NotSent, may_have_run


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (NotSent("no"), False),
        (redis.MaxConnectionsError("full"), False),
        (redis.exceptions.OutOfMemoryError("OOM"), False),
        (redis.exceptions.ReadOnlyError("READONLY"), False),
        (redis.TimeoutError("no reply"), True),
        (redis.ConnectionError("cut"), True),
        (redis.InvalidResponse("?"), True),
    ],
)
def test_an_error_shows_whether_a_command_may_have_run(error, may):
    assert may_have_run(error) is may
