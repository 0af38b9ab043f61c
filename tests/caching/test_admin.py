"""Job runs in the admin can be read, not changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from caching.models import JobRun
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/caching/jobrun/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def runs() -> list[JobRun]:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    return [
        JobRun.objects.create(
            job="sync_view_counts",
            started_at=start,
            finished_at=start + timedelta(seconds=1.25),
            outcome="succeeded",
            stats={"total_views": 12},
        ),
        JobRun.objects.create(
            job="process_expired_offers",
            started_at=start,
            finished_at=start,
            outcome="failed",
            error="LookupError: <b>x</b>",
        ),
        JobRun.objects.create(job="process_expired_offers", started_at=start, outcome="running"),
    ]


def test_the_list(admin, runs) -> None:
    page = admin.get(LIST).content.decode()
    assert "1.250 s" in page
    assert "total_views 12" in page
    assert "LookupError: &lt;b&gt;" in page
    # The run whose row is `running`, while no process holds its lock.
    assert '<td class="field-ended">lost</td>' in page


@pytest.mark.parametrize(("query", "index"), [("?job=sync_view_counts", [0]), ("?outcome=failed", [1])])
def test_filters(admin, runs, query, index) -> None:
    found = {run.pk for run in admin.get(LIST + query).context["cl"].result_list}
    assert found == {runs[position].pk for position in index}


def test_nothing_can_be_changed(admin, runs) -> None:
    page = admin.get(f"{LIST}{runs[0].pk}/change/")
    assert page.status_code == 200
    assert b"&quot;total_views&quot;: 12" in page.content
    assert admin.post(f"{LIST}{runs[0].pk}/change/", {"job": "x"}).status_code == 403
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.get(f"{LIST}{runs[0].pk}/delete/").status_code == 403
