from __future__ import annotations

import pytest

from caching.redis.connections import client


@pytest.mark.parametrize("role", ["cache", "state"])
def test_no_client_retries_and_every_one_has_timeouts(role):
    connection = client(role).connection_pool.make_connection()
    assert connection.retry.get_retries() == 0
    assert 0 < connection.socket_timeout <= 1
    assert 0 < connection.socket_connect_timeout <= 1
