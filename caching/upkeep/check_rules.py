"""The rules of the system checks. An error is what would lose data; a warning is what costs something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage

from caching.conf import problems
from caching.readthrough.resource import Resource
from caching.redis.connections import Role, one_server
from caching.upkeep.servers import RedisFacts

TAG = "caching"
_OLDEST = (6, 2)
_CLOCK_SECONDS = 2.0
_OPTION: dict[Role, str] = {"cache": "URL", "state": "STATE_URL"}


def judge_settings(given: Any, vendor: str) -> Iterator[CheckMessage]:
    """Judge the value of `CACHING`, and the kind of the default database."""
    for problem in problems(given):
        yield checks.Error(
            problem, hint="The only option that has no default is URL, the address of a Redis.", id=f"{TAG}.E003"
        )
    if vendor != "postgresql":
        yield checks.Error(
            f"The default database is {vendor}: ledger, journal and locks of jobs need PostgreSQL.",
            hint='Set DATABASES["default"]["ENGINE"] to "django.db.backends.postgresql".',
            id=f"{TAG}.E004",
        )


def judge_resource(resource: Resource) -> Iterator[CheckMessage]:
    """Judge the TTLs of a resource, and whether every process declares it."""
    policy = resource.policy
    earliest = policy.hard_ttl * (1 - policy.jitter)
    if policy.soft_ttl >= earliest:
        yield checks.Warning(
            f"Entries of {policy.namespace} are fresh for {policy.soft_ttl:g} s and may leave Redis after"
            f" {earliest:g} s (hard TTL less jitter), so readers wait for a load instead of being answered with the old"
            " value.",
            hint="Make the hard TTL a multiple of the soft one.",
            id=f"{TAG}.W001",
        )
    if resource.declared_late:
        yield checks.Warning(
            f"{policy.namespace} was declared after start-up, by {resource.declared_in}: a worker or a command may lack"
            " it, and then it refreshes nothing of it and removes its entries as unknown.",
            hint="Declare it in the cache.py of an installed app.",
            id=f"{TAG}.W011",
        )


def judge_redis(facts: RedisFacts, shared: bool) -> Iterator[CheckMessage]:
    """Judge one Redis; `shared` says that it serves both roles."""
    judges: list[Callable[[RedisFacts, bool], CheckMessage | None]] = [_judge_version, _judge_eviction, _judge_clock]
    yield from (message for judge in judges if (message := judge(facts, shared)))


def _judge_version(facts: RedisFacts, shared: bool) -> CheckMessage | None:
    if facts.version is None or facts.version >= _OLDEST:
        return None
    return checks.Error(
        f"{_name(facts, shared)} is version {facts.version[0]}.{facts.version[1]}; it must be 6.2 or newer.",
        hint="Run Redis 6.2 or newer, or Valkey.",
        id=f"{TAG}.E002",
    )


def _judge_eviction(facts: RedisFacts, shared: bool) -> CheckMessage | None:
    """Judge by what would be lost: state has no TTL, so `volatile-` spares it and `allkeys-` does not."""
    name, policy = _name(facts, shared), facts.policy
    volatile = "Set its maxmemory-policy to volatile-lfu (CONFIG SET maxmemory-policy volatile-lfu, and redis.conf)."
    if policy is None:
        return checks.Warning(f"{name} does not report its maxmemory-policy.", hint=volatile, id=f"{TAG}.W003")
    if policy.startswith("allkeys-") and (shared or facts.role == "state"):
        lost = "queued tasks and state"
        return checks.Error(
            f"{name} evicts by {policy}: when it is full, it drops {lost}.", hint=volatile, id=f"{TAG}.E001"
        )
    if policy.startswith("allkeys-"):
        return checks.Warning(
            f"{name} evicts by {policy}: it may drop the generation of a namespace, and what was cleared comes back.",
            hint=volatile,
            id=f"{TAG}.W004",
        )
    if policy == "noeviction" and facts.limit and (shared or facts.role == "cache"):
        refused = "every write: entries, counters and tasks" if shared else "new entries until old ones expire"
        return checks.Warning(
            f"{name} evicts nothing and has a memory limit: once full it refuses {refused}.",
            hint=volatile,
            id=f"{TAG}.W005",
        )
    return None


def _judge_clock(facts: RedisFacts, shared: bool) -> CheckMessage | None:
    return _judge_ahead(_name(facts, shared), facts.ahead, "what is counted lands in the wrong hour", f"{TAG}.W006")


def judge_postgres(ahead: float) -> CheckMessage | None:
    """Judge the clock of PostgreSQL."""
    breaks = "deadlines end earlier or later than clients compute, and jobs look overdue"
    return _judge_ahead("PostgreSQL", ahead, breaks, f"{TAG}.W007")


def _judge_ahead(name: str, ahead: float, breaks: str, id: str) -> CheckMessage | None:
    if abs(ahead) <= _CLOCK_SECONDS:
        return None
    side = "ahead of" if ahead > 0 else "behind"
    return checks.Warning(
        f"The clock of {name} is {abs(ahead):.1f} s {side} this machine's: {breaks}. If this machine is the one that"
        " is wrong, its entries are taken for fresh too long or not long enough, and its tasks expire early or late.",
        hint="Let NTP set the clocks of all machines.",
        id=id,
    )


def judge_persistence(facts: RedisFacts) -> Iterator[CheckMessage]:
    """Judge whether state survives a restart of its Redis."""
    if facts.persistent is False:
        yield checks.Warning(
            f"{_name(facts, one_server())} writes nothing to disk: its restart loses what was counted in the last"
            " seconds, and queued tasks.",
            hint="Set appendonly yes.",
            id=f"{TAG}.W009",
        )


def one_by_two_urls() -> CheckMessage:
    """Return the warning that two URLs lead to one server."""
    return checks.Warning(
        "URL and STATE_URL of CACHING differ and lead to one server: reads take two round trips for nothing.",
        hint="Give URL alone, or give the cache a server of its own.",
        id=f"{TAG}.W010",
    )


def redis_away(role: Role, error: Exception) -> CheckMessage:
    """Return the warning that a Redis does not answer."""
    name = "Redis" if one_server() else f"The Redis of {_OPTION[role]}"
    return checks.Warning(
        f"{name} does not answer, so it was not checked: {_first_line(error)}",
        hint="Until it answers, reads come from PostgreSQL and nothing is counted.",
        id=f"{TAG}.W002",
    )


def postgres_away(error: Exception) -> CheckMessage:
    """Return the warning that PostgreSQL does not answer."""
    return checks.Warning(f"PostgreSQL does not answer: {_first_line(error)}", id=f"{TAG}.W008")


def _name(facts: RedisFacts, shared: bool) -> str:
    return "Redis" if shared else f"The Redis of {_OPTION[facts.role]}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
