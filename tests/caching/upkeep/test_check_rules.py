"""The messages for each kind of server, by what would be lost."""

from __future__ import annotations

import pytest

from caching.entries.policy import Policy
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource
from caching.upkeep.check_rules import judge_persistence, judge_postgres, judge_redis, judge_resource
from caching.upkeep.servers import RedisFacts


def facts(role="state", **changes) -> RedisFacts:
    good = RedisFacts(role, "id", (7, 2), "volatile-lfu", 0, True, 0.0)
    return good._replace(**changes)


def ids(messages) -> list[str]:
    return [message.id.removeprefix("caching.") for message in messages]


@pytest.mark.parametrize(
    ("role", "shared", "policy", "limit", "said"),
    [
        ("state", True, "volatile-lfu", 1, []),
        ("state", True, "volatile-ttl", 1, []),
        ("state", True, "noeviction", 0, []),
        ("state", True, "noeviction", 1, ["W005"]),
        ("state", True, "allkeys-lru", 0, ["E001"]),
        ("state", True, "allkeys-random", 1, ["E001"]),
        ("state", True, None, 1, ["W003"]),
        ("state", False, "noeviction", 1, []),
        ("state", False, "volatile-lru", 1, []),
        ("state", False, "allkeys-lfu", 1, ["E001"]),
        ("cache", False, "volatile-lfu", 1, []),
        ("cache", False, "allkeys-lfu", 1, ["W004"]),
        ("cache", False, "noeviction", 1, ["W005"]),
        ("cache", False, "noeviction", 0, []),
    ],
)
def test_a_policy_is_judged_by_what_it_could_drop(role, shared, policy, limit, said):
    assert ids(judge_redis(facts(role, policy=policy, limit=limit), shared)) == said


def test_a_refusal_says_what_is_wrong_what_it_costs_and_what_to_do():
    (message,) = judge_redis(facts(policy="allkeys-lru"), shared=False)
    assert message.is_serious()
    assert "STATE_URL" in message.msg
    assert "allkeys-lru" in message.msg
    assert "queued tasks" in message.msg
    assert "CONFIG SET maxmemory-policy volatile-lfu" in message.hint


@pytest.mark.parametrize(
    ("version", "said"), [((6, 2), []), ((8, 0), []), (None, []), ((6, 0), ["E002"]), ((5, 9), ["E002"])]
)
def test_a_version_before_6_2_is_refused(version, said):
    assert ids(judge_redis(facts(version=version), shared=True)) == said


@pytest.mark.parametrize(("ahead", "said"), [(0.0, []), (1.9, []), (-1.9, []), (2.1, ["W006"]), (-3600.0, ["W006"])])
def test_a_clock_may_differ_by_two_seconds(ahead, said):
    assert ids(judge_redis(facts(ahead=ahead), shared=True)) == said
    message = judge_postgres(ahead)
    assert bool(message) == bool(said)
    if message:
        assert f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine" in message.msg


@pytest.mark.parametrize(("persistent", "said"), [(True, []), (None, []), (False, ["W009"])])
def test_state_that_no_disk_holds_is_a_warning(persistent, said):
    assert ids(judge_persistence(facts(persistent=persistent))) == said


@pytest.mark.parametrize(
    ("soft", "hard", "jitter", "warned"),
    [(10, 20, 0.1, False), (10, 10, 0.0, True), (10, 10, 0.1, True), (10, 11, 0.1, True), (10, 11, 0.0, False)],
)
def test_entries_must_be_able_to_become_stale_before_they_go(soft, hard, jitter, warned):
    policy = Policy("things", soft_ttl=soft, hard_ttl=hard, jitter=jitter)
    assert ("W001" in ids(judge_resource(Resource(policy, lambda ids: Load({}))))) == warned
