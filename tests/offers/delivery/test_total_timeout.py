"""A total timeout shuts down a connection that takes too long, and leaves one in time alone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from offers.delivery.total_timeout import TotalTimeout


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        yield ours, theirs


def test_a_reader_sees_the_end_after_the_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    began = time.monotonic()

    with TotalTimeout(0.2, lambda: ours) as timeout:
        assert ours.recv(1) == b""

    assert 0.2 <= time.monotonic() - began < 2
    assert timeout.timed_out
    assert timeout.reason == "not done within 0.2 s"
    assert theirs.recv(1) == b""


def test_a_conversation_in_time_is_not_cut_and_leaves_no_thread(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    before, began = threading.active_count(), time.monotonic()

    for _ in range(3):
        with TotalTimeout(0.5, lambda: ours) as timeout:
            theirs.sendall(b"x")
            assert ours.recv(1) == b"x"
        assert not timeout.timed_out

    assert time.monotonic() - began < 0.5
    assert threading.active_count() == before


def test_a_connection_made_after_the_timeout_is_cut_too(pair: tuple[socket.socket, socket.socket]) -> None:
    # Given a timeout that passes while there is no connection yet, or a closed one
    ours, _ = pair
    closed = socket.socket()
    closed.close()
    found: list[socket.socket | None] = [None]
    with TotalTimeout(0.1, lambda: found[0]) as timeout:
        for sock in (None, closed):
            found[0] = sock
            time.sleep(0.2)
        assert timeout.timed_out
        # When the connection is made, then a read on it ends
        found[0] = ours
        assert ours.recv(1) == b""


def test_an_exception_passes_through(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(KeyError), TotalTimeout(5, lambda: pair[0]):
        raise KeyError
