"""The endpoints for staff: permissions, by token and by session, and answers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from caching.models import JobRun
from marketplace.accounts.models import User
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db

PATHS = pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/batch/cache-stats"])


@pytest.fixture
def staff(api: APIClient, make_user: Callable[..., User], token_of: Callable[..., str]) -> APIClient:
    api.credentials(HTTP_AUTHORIZATION=token_of(make_user("root", is_staff=True)))
    return api


@PATHS
def test_strangers_are_401_and_users_403(
    api: APIClient, path: str, make_user: Callable[..., User], token_of: Callable[..., str]
) -> None:
    problem(api.get(path), 401, "not_authenticated")
    problem(api.get(path, headers={"authorization": token_of(make_user("ada"))}), 403, "permission_denied")


@PATHS
def test_staff_come_in_by_token(staff: APIClient, path: str) -> None:
    response = staff.get(path)

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"


@PATHS
@pytest.mark.parametrize(
    ("fields", "status"), [({"is_staff": True}, 200), ({}, 403), ({"is_staff": True, "is_active": False}, 401)]
)
def test_the_session_of_the_admin_is_good_too(
    client: Any, path: str, make_user: Callable[..., User], fields: dict[str, bool], status: int
) -> None:
    client.force_login(make_user("root", **fields))

    assert client.get(path).status_code == status


@PATHS
def test_a_session_that_is_none_is_401(api: APIClient, path: str) -> None:
    api.cookies["sessionid"] = "no-such-session"

    problem(api.get(path), 401, "not_authenticated")


def test_jobs_have_a_schedule_and_their_last_run(staff: APIClient) -> None:
    # given a run of one job
    started = timezone.now() - timedelta(seconds=2)
    JobRun.objects.create(
        job="sync_view_counts",
        started_at=started,
        finished_at=started + timedelta(seconds=1),
        outcome="succeeded",
        stats={"products_synced": 3},
    )

    # when the jobs are asked for
    body = staff.get("/api/v1/jobs").json()

    # then every job of the schedule is there, and that one with its run
    assert set(body) == {"running", "jobs"}
    assert body["running"] is True
    jobs = {job["id"]: job for job in body["jobs"]}
    assert {"sync_view_counts", "process_expired_offers", "cleanup_old_cache"} <= set(jobs)
    assert all(set(job) == {"id", "schedule", "next_run_time", "last_run"} for job in jobs.values())
    run = jobs["sync_view_counts"]["last_run"]
    assert run["outcome"] == "succeeded"
    assert run["stats"] == {"products_synced": 3}
    assert run["started_at"].endswith("Z")
    assert datetime.fromisoformat(run["started_at"]) == started
    assert jobs["cleanup_old_cache"]["last_run"] is None


def test_the_cache_endpoint_shows_the_statistics_of_redis(staff: APIClient) -> None:
    staff.post("/api/v1/batch/users", {"user_ids": [1]}, format="json")

    body = staff.get("/api/v1/batch/cache-stats").json()

    assert body["redis_version"][0].isdigit()
    assert 0 < body["memory_used_mb"] <= body["memory_peak_mb"]
    assert body["connected_clients"] >= 1
    assert body["total_keys"] >= 0
    assert body["hit_rate"] is None or 0 <= body["hit_rate"] <= 1


@pytest.mark.fault
@pytest.mark.parametrize("frozen", [False, True], ids=["closed", "frozen"])
def test_without_redis_the_stats_are_a_503(staff: APIClient, settings: Any, frozen: bool) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if frozen:
            listener.listen(16)
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        settings.CACHING = {**settings.CACHING, "URL": url, "STATE_URL": url}

        response = staff.get("/api/v1/batch/cache-stats")

    problem(response, 503, "redis_unavailable")
    assert response["Retry-After"] == "5"
