"""Webhook receivers that hang or answer bit by bit: each delivery ends in time, and the next one is not affected."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from caching.jobs.work_budget import WorkBudget
from offers.delivery import courier
from offers.delivery.base import DELIVERED, Outcome, Result
from offers.delivery.courier import deliver_offer_events
from offers.delivery.webhook import Webhook
from offers.models import OfferEvent
from tests.factories import OfferEventFactory
from tests.offers.delivery.tls_certificate import serve_tls
from tests.offers.delivery.webhook_receiver import (
    MESSAGE,
    SECRET,
    Handler,
    Receiver,
    answering,
    dripping,
)


def test_a_receiver_that_hangs_times_out(webhook: Webhook, receiver: Receiver) -> None:
    # Given a receiver that accepts a request and does not answer
    end = threading.Event()
    receiver.answer = lambda handler: (end.wait(10), answering(204)(handler))[1]
    # When
    began = time.monotonic()
    outcome = webhook.deliver(MESSAGE)
    took = time.monotonic() - began
    # Then the delivery fails, and the next one uses a new connection
    assert outcome == Outcome(Result.FAILED, "no answer within 1 s")
    assert took < 3
    receiver.answer = answering(204)
    assert webhook.deliver(MESSAGE) == DELIVERED
    end.set()


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 2", b"0"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=["status", "header", "continue", "chunk", "last chunk"],
)
def test_a_receiver_that_answers_bit_by_bit_is_cut_off(receiver: Receiver, begin: bytes, drop: bytes) -> None:
    # Given a receiver whose answer never ends, with short pauses between its bytes
    receiver.answer = dripping(begin, drop)
    with Webhook(receiver.url, SECRET, timeout=1.0, total=1.2) as webhook:
        # When
        began = time.monotonic()
        outcome = webhook.deliver(MESSAGE)
        took = time.monotonic() - began
        # Then
        assert outcome == Outcome(Result.FAILED, "not done within 1.2 s")
        assert 1.2 <= took < 3
        # And the next delivery uses a new connection
        receiver.answer = answering(204)
        assert webhook.deliver(MESSAGE) == DELIVERED
    assert receiver.requests[0].client != receiver.requests[1].client


def test_a_receiver_that_answers_bit_by_bit_under_tls_is_cut_off(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    serve_tls(receiver, tmp_path, monkeypatch)
    receiver.answer = dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
    with Webhook(receiver.url.replace("http:", "https:"), SECRET, timeout=1.0, total=1.2) as webhook:
        # When
        began = time.monotonic()
        outcome = webhook.deliver(MESSAGE)
        # Then
        assert outcome == Outcome(Result.FAILED, "not done within 1.2 s")
        assert time.monotonic() - began < 3
        # And a conversation in time is delivered
        receiver.answer = answering(204)
        assert webhook.deliver(MESSAGE) == DELIVERED


def test_a_handshake_that_never_ends_times_out() -> None:
    # Given a server that starts a long TLS record, and sends it byte by byte
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.sendall(b"\x16\x03\x03\x40\x00")
                for _ in range(100):
                    client.sendall(b"\x02")
                    time.sleep(0.05)

        thread = threading.Thread(target=shake)
        thread.start()
        # When
        began = time.monotonic()
        with Webhook(f"https://127.0.0.1:{server.getsockname()[1]}/", SECRET, timeout=1.0, total=1.2) as webhook:
            outcome = webhook.deliver(MESSAGE)
        took = time.monotonic() - began
        thread.join()
    # Then
    assert outcome.result is Result.FAILED
    assert took < 3


def test_an_endless_body_is_not_read_to_its_end(webhook: Webhook, receiver: Receiver) -> None:
    # Given a receiver that answers 200 with a body that does not end
    end = threading.Event()

    def talk(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"x" * 100)
        handler.wfile.flush()
        end.wait(10)

    receiver.answer = talk
    # When, then
    began = time.monotonic()
    assert webhook.deliver(MESSAGE) == DELIVERED
    assert time.monotonic() - began < 2
    end.set()


@pytest.mark.django_db
def test_the_run_after_a_total_timeout_delivers_the_other_events(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three events, and a receiver that answers the first one bit by bit
    monkeypatch.setattr(courier, "configured_backend", lambda: Webhook(receiver.url, SECRET, timeout=1.0, total=1.2))
    events = OfferEventFactory.create_batch(3)
    receiver.answer = dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
    # When the job has time for one
    began = time.monotonic()
    stats = deliver_offer_events(WorkBudget(0.5, 0, 0.0))
    # Then that one has failed in time
    assert (stats["failed"], stats["delivered"], stats["waiting"]) == (1, 0, 3)
    assert time.monotonic() - began < 3
    assert set(OfferEvent.objects.values_list("error", "attempts")) == {("not done within 1.2 s", 1), ("", 0)}
    # And the next run delivers the others
    receiver.answer = answering(204)
    assert deliver_offer_events()["delivered"] == 2
    assert OfferEvent.objects.get(delivered_at=None).pk in {event.pk for event in events}
