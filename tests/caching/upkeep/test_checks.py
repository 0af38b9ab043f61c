"""The checks on the test's own servers, and the gate that a starting process passes."""

from __future__ import annotations

import logging

import pytest
from django.core import checks as django_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from caching.readthrough.resource import registry
from caching.redis.connections import pool
from caching.upkeep import checks
from caching.upkeep.servers import RedisFacts, ask_postgres, ask_redis

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis_says(monkeypatch):
    """Return a function that changes the facts that Redis reports."""

    def say(**changes) -> None:
        facts = ask_redis("state")._replace(policy="volatile-lfu", limit=0, persistent=True)._replace(**changes)
        monkeypatch.setattr(checks, "ask_redis", lambda role: facts._replace(role=role))

    return say


@pytest.fixture
def redis_away(monkeypatch):
    monkeypatch.setattr(pool("state").breaker, "is_open", True)


def lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "caching.upkeep.checks"]


def test_redis_reports_its_facts_in_one_round_trip(redis_commands):
    with redis_commands() as trips:
        facts = ask_redis("state")

    assert len([trip for trip in trips if "INFO" in trip]) == len(trips) == 1
    assert isinstance(facts, RedisFacts)
    assert facts.version >= (6, 2)
    assert facts.policy
    assert facts.run_id
    assert abs(facts.ahead) < 1
    assert abs(ask_postgres()) < 1


def test_where_config_is_forbidden_info_is_enough(redis_state):
    # Given a user without the right to read the configuration, as hosts provide it
    redis_state.execute_command("ACL", "SETUSER", "guest", "on", ">guest", "~*", "+@all", "-config")
    connection = pool("state").get_connection()
    try:
        connection.send_command("AUTH", "guest", "guest")
        connection.read_response()
        pool("state").release(connection)

        facts = ask_redis("state")

        assert redis_state.acl_whoami() == "guest"
        assert facts.policy
        assert facts.persistent in (True, None)
    finally:
        pool("state").disconnect()
        redis_state.execute_command("ACL", "DELUSER", "guest")


def test_with_a_good_redis_the_start_logs_nothing(redis_says, caplog):
    redis_says()
    checks.verify(production=True)
    assert lines(caplog) == []


def test_a_redis_that_could_drop_state_refuses_the_start(redis_says, caplog):
    redis_says(policy="allkeys-lru", version=(5, 0), ahead=9.0)

    with pytest.raises(SystemExit) as refusal:
        checks.verify(production=True)

    said = str(refusal.value)
    assert said.startswith("The start is refused:\n")
    assert "caching.E001" in said
    assert "CONFIG SET maxmemory-policy volatile-lfu" in said
    assert "caching.E002" in said
    assert [line.split(":")[0] for line in lines(caplog)] == ["caching.W006"]


def test_a_redis_that_is_away_stops_nothing(redis_away, caplog):
    checks.verify(production=True)
    (line,) = lines(caplog)
    assert line.startswith("caching.W002: Redis does not answer")
    assert caplog.records[-1].levelno == logging.WARNING


def test_state_must_be_on_disk_in_production_only(redis_says, caplog):
    redis_says(persistent=False)
    checks.verify(production=False)
    assert lines(caplog) == []
    checks.verify(production=True)
    assert [line.split(":")[0] for line in lines(caplog)] == ["caching.W009"]


def test_two_urls_to_one_server_are_judged_once_and_as_one(redis_says, monkeypatch, caplog):
    monkeypatch.setattr(checks, "one_server", lambda: False)
    redis_says(policy="allkeys-lru")

    with pytest.raises(SystemExit) as refusal:
        checks.verify(production=True)

    assert str(refusal.value).count("caching.E001") == 1
    assert [line.split(":")[0] for line in lines(caplog)] == ["caching.W010"]


def test_a_silenced_check_is_silent(redis_says, settings):
    settings.SILENCED_SYSTEM_CHECKS = ["caching.E001"]
    redis_says(policy="allkeys-lru")
    checks.verify(production=True)


def test_policies_that_never_become_stale_are_named(things, monkeypatch):
    monkeypatch.setattr(things, "policy", things.policy.__class__("things", soft_ttl=60, hard_ttl=60))
    assert [message.id for message in checks.check_resources() if message.id != "caching.W011"] == ["caching.W001"]


def test_a_resource_of_a_module_of_views_is_named(settings, tmp_path, monkeypatch):
    # Given routes whose views declare a resource, in a module that nothing has imported
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "late_views.py").write_text(
        "from caching import Policy, resource\n"
        "late = resource(Policy('late', soft_ttl=60, hard_ttl=600), lambda ids: {})\n"
        "urlpatterns = []\n"
    )
    settings.ROOT_URLCONF = "late_views"

    # When Django's check runs by the layer's tag alone
    try:
        found = django_checks.run_checks(tags=["caching"])
    finally:
        registry.remove("late")

    # Then it says that a worker may lack the resource, and where it is
    assert ["late_views" in message.msg for message in found if "late was declared" in message.msg] == [True]


def test_djangos_check_asks_servers_only_when_asked_to(redis_says, redis_commands):
    redis_says(policy="allkeys-lru")
    with redis_commands() as trips:
        assert not [message for message in django_checks.run_checks() if message.id.startswith("caching.")]
    assert trips == []
    with pytest.raises(SystemCheckError, match=r"caching\.E001"):
        call_command("check", tags=["caching"])


def test_djangos_check_asks_for_the_disk_on_deployment(redis_says, capsys):
    redis_says(persistent=False)
    call_command("check", tags=["caching"])
    assert "caching.W009" not in capsys.readouterr().err
    call_command("check", tags=["caching"], deploy=True)
    assert "caching.W009" in capsys.readouterr().err
