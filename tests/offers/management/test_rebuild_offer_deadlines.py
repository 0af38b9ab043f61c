"""`manage.py rebuild_offer_deadlines`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from caching.redis.connections import pool
from offers.deadlines import offer_deadlines, track_offer_expiration
from tests.factories import OfferFactory

pytestmark = pytest.mark.django_db


def run() -> str:
    out = StringIO()
    call_command("rebuild_offer_deadlines", "--no-progress", stdout=out)
    return out.getvalue()


def test_it_prints_how_many_deadlines_were_missing_and_wrong() -> None:
    # given an index with a missing, a wrong and an orphaned deadline
    missing, wrong = OfferFactory(), OfferFactory()
    track_offer_expiration(wrong.pk, wrong.created_at)
    track_offer_expiration(2**40, wrong.expires_at)
    # when it is rebuilt
    assert run() == "2 deadlines in the table: 1 entered, 1 moved, 1 removed.\n"
    # then it is like the table, and a second run changes nothing
    assert offer_deadlines.due(80, missing.created_at) == []
    assert {member.id for member in offer_deadlines.due(80, wrong.expires_at)} == {missing.pk, wrong.pk}
    assert run() == "2 deadlines in the table: 0 entered, 0 moved, 0 removed.\n"


def test_without_redis_it_fails_with_a_message(monkeypatch) -> None:
    monkeypatch.setattr(pool("state").breaker, "is_open", True)
    with pytest.raises(CommandError, match="Redis is away"):
        run()
