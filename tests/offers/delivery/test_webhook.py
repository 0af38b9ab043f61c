"""The webhook backend against a real server: payload, signature, connections, and statuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import socket
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from offers.clock import database_now
from offers.delivery.base import DELIVERED, Outcome, Result
from offers.delivery.courier import deliver_offer_events
from offers.delivery.webhook import Webhook
from offers.models import OfferEvent
from tests.database_clock import database_clock
from tests.deploy.services import free_port
from tests.factories import OfferEventFactory
from tests.offers.delivery.webhook_receiver import KEY, MESSAGE, SECRET, Receiver, answering


def test_an_event_is_posted_without_personal_data(webhook: Webhook, receiver: Receiver) -> None:
    assert webhook.deliver(MESSAGE) == DELIVERED

    (request,) = receiver.requests
    assert (request.path, request.headers["content-type"]) == ("/hook", "application/json")
    assert json.loads(request.body) == {
        "type": "offer.expired",
        "timestamp": "2020-03-04T05:06:07.000089Z",
        "data": {
            "event_id": 11,
            "offer_id": 7,
            "product_id": 3,
            "buyer_id": 1,
            "seller_id": 2,
            "amount": "12.50",
            "currency": "EUR",
            "status": "expired",
            "expires_at": "2020-03-04T05:06:07.000089Z",
        },
    }


def test_a_request_is_signed_as_standard_webhooks_specifies(webhook: Webhook, receiver: Receiver) -> None:
    webhook.deliver(MESSAGE)

    (request,) = receiver.requests
    id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{id}.{timestamp}.".encode() + request.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert (id, timestamp) == (MESSAGE.id, "1583298368")


def test_the_signature_of_the_specifications_example() -> None:
    from offers.delivery.webhook import signature

    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert (
        signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_many_events_share_one_connection(webhook: Webhook, receiver: Receiver) -> None:
    receiver.answer = answering(200, b'{"ok": true}')

    assert [webhook.deliver(MESSAGE) for _ in range(5)] == [DELIVERED] * 5

    assert len({request.client for request in receiver.requests}) == 1


def test_a_connection_that_the_receiver_closed_is_replaced(webhook: Webhook, receiver: Receiver) -> None:
    receiver.answer = answering(200, b"ok", Connection="close")

    assert [webhook.deliver(MESSAGE) for _ in range(3)] == [DELIVERED] * 3

    assert len({request.client for request in receiver.requests}) == 3


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(webhook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status)

    assert webhook.deliver(MESSAGE) == DELIVERED


@pytest.mark.parametrize("status", [304, 400, 401, 404, 408, 429, 500, 502, 503])
def test_any_other_status_is_a_failure(webhook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status, b"" if status == 304 else b"not now")

    assert webhook.deliver(MESSAGE) == Outcome(Result.FAILED, f"answered {status}")
    assert len(receiver.requests) == 1


def test_410_is_refused_for_good(webhook: Webhook, receiver: Receiver) -> None:
    receiver.answer = answering(410)

    assert webhook.deliver(MESSAGE) == Outcome(Result.REFUSED, "answered 410")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(webhook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status, Location=f"{receiver.url}/elsewhere")

    assert webhook.deliver(MESSAGE) == Outcome(Result.FAILED, f"answered {status}")
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_a_refused_connection_fails() -> None:
    with Webhook(f"http://127.0.0.1:{free_port()}/", SECRET, timeout=0.3) as webhook:
        assert webhook.deliver(MESSAGE) == Outcome(Result.FAILED, "no connection")


def test_an_answer_that_is_not_http_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            client, _ = server.accept()
            client.recv(65536)
            client.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
            client.close()

        thread = threading.Thread(target=babble)
        thread.start()
        with Webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", SECRET, timeout=0.3) as webhook:
            outcome = webhook.deliver(MESSAGE)
        thread.join()

    assert outcome.result is Result.FAILED
    assert outcome.error


@pytest.mark.django_db
def test_the_timestamp_is_the_time_of_the_claim_by_the_databases_clock(receiver: Receiver, settings: Any) -> None:
    # Given a database whose clock differs from that of the process
    settings.OFFER_EVENTS_BACKEND = "webhook"
    settings.OFFER_WEBHOOK_URL, settings.OFFER_WEBHOOK_SECRET = receiver.url, SECRET
    with database_clock() as clock:
        clock.set(datetime.fromisoformat("2001-02-03T04:05:06+00:00"))
        OfferEventFactory(due_at=database_now())
        receiver.answer = answering(500)
        # When two attempts are made, an hour apart
        deliver_offer_events()
        clock.advance(timedelta(hours=1))
        deliver_offer_events()
    # Then
    first, second = (int(request.headers["webhook-timestamp"]) for request in receiver.requests)
    assert (first, second - first) == (981173106, 3600)


@pytest.mark.django_db
def test_the_job_posts_due_events_and_logs_no_secret(
    receiver: Receiver, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a receiver that fails on the second of two events
    settings.OFFER_EVENTS_BACKEND = "webhook"
    settings.OFFER_WEBHOOK_URL = f"{receiver.url}?token=hunter2"
    settings.OFFER_WEBHOOK_SECRET = SECRET
    events = OfferEventFactory.create_batch(2)
    receiver.answer = lambda handler: answering(204 if len(receiver.requests) == 1 else 500)(handler)
    # When
    with caplog.at_level(logging.DEBUG):
        stats = deliver_offer_events()
    # Then
    assert (stats["delivered"], stats["failed"]) == (1, 1)
    posted = {json.loads(request.body)["data"]["event_id"] for request in receiver.requests}
    assert posted == {event.pk for event in events}
    assert sorted(OfferEvent.objects.values_list("error", flat=True)) == ["", "answered 500"]
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert SECRET not in logged
    assert base64.b64encode(KEY).decode() not in logged
    # And only the server of the address is logged, since the rest may contain a token
    assert "hunter2" not in logged


def test_an_odd_answer_does_not_make_the_address_logged(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.answer = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")

    with caplog.at_level(logging.DEBUG), Webhook(f"{receiver.url}?token=hunter2", SECRET, timeout=0.3) as webhook:
        webhook.deliver(MESSAGE)

    assert "hunter2" not in caplog.text
