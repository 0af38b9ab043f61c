"""Django system checks, and the gate that runs them before a process serves.

Errors are what would lose data, and refuse the start. Warnings are logged. A server that does not answer is a warning
too: the API must come up without Redis. docs/deployment.md lists every id and what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.db import connection

from caching.conf import SETTING
from caching.readthrough.resource import registry
from caching.redis.connections import Role, one_server
from caching.redis.errors import REDIS_ERRORS
from caching.upkeep.check_rules import (
    TAG,
    judge_persistence,
    judge_postgres,
    judge_redis,
    judge_resource,
    judge_settings,
    one_by_two_urls,
    postgres_away,
    redis_away,
)
from caching.upkeep.servers import RedisFacts, ask_postgres, ask_redis

logger = logging.getLogger(__name__)

Messages = list[CheckMessage]


def install() -> None:
    """Register the checks. Those that query servers are database checks, which run only if a database is named."""
    register(check_settings, TAG)
    register(check_resources, TAG)
    register(check_servers, TAG, Tags.database)
    register(check_persistence, TAG, Tags.database, deploy=True)


def verify(production: bool) -> None:
    """Log the warnings, and raise SystemExit with all errors and their hints if there are any.

    Call it once in each process, before it serves. It takes one timeout for each server that does not answer.
    """
    found = check_settings() or [*check_resources(), *_ask_servers(persistence=production)]
    errors = []
    for message in found:
        if message.is_silenced():
            continue
        if message.is_serious():
            errors.append(_line(message))
        else:
            logger.warning("%s", _line(message))
    if errors:
        raise SystemExit("\n".join(["The start is refused:", *errors]))


def check_settings(**_: Any) -> Messages:
    """Check what the layer needs of the settings: `CACHING`, and PostgreSQL as the default database."""
    return list(judge_settings(getattr(settings, SETTING, None), connection.vendor))


def check_resources(**_: Any) -> Messages:
    """Check the declarations of all resources; no server is queried.

    The routes are loaded first, because a module of views could declare a resource that no worker knows.
    """
    if getattr(settings, "ROOT_URLCONF", None):
        import_module(settings.ROOT_URLCONF)
    return [message for name in registry.namespaces() for message in judge_resource(registry.get(name))]


def check_servers(databases: Iterable[str] | None = None, **_: Any) -> Messages:
    """Check Redis, its settings and all clocks."""
    return _ask_servers(persistence=False) if databases and not check_settings() else []


def check_persistence(databases: Iterable[str] | None = None, **_: Any) -> Messages:
    """Check that state, which only Redis holds, survives a restart of Redis."""
    if not databases or check_settings():
        return []
    facts = _answers(["state"])[0]
    return [message for each in facts for message in judge_persistence(each)]


def _ask_servers(persistence: bool) -> Messages:
    clock: CheckMessage | None
    roles: list[Role] = ["state"] if one_server() else ["cache", "state"]
    facts, found = _answers(roles)
    shared = one_server()
    if len(facts) == 2 and facts[0].run_id is not None and facts[0].run_id == facts[1].run_id:
        found.append(one_by_two_urls())
        facts, shared = facts[1:], True
    for each in facts:
        found += judge_redis(each, shared)
        if persistence and each.role == "state":
            found += judge_persistence(each)
    try:
        clock = judge_postgres(ask_postgres())
    except psycopg.Error as error:
        clock = postgres_away(error)
    return [*found, clock] if clock else found


def _answers(roles: Iterable[Role]) -> tuple[list[RedisFacts], Messages]:
    facts: list[RedisFacts] = []
    found: Messages = []
    for role in roles:
        try:
            facts.append(ask_redis(role))
        except REDIS_ERRORS as error:
            found.append(redis_away(role, error))
    return facts, found


def _line(message: CheckMessage) -> str:
    return f"{message.id}: {message.msg} {message.hint or ''}".rstrip()
