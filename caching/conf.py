"""The layer's settings: `CACHING` in the settings of the project, read when they are first needed.

    CACHING = {"URL": "redis://:password@host:6379/0"}

is enough; every other option has a default.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

SETTING = "CACHING"


@dataclass(frozen=True, slots=True)
class Conf:
    """The options of `CACHING`, each under its name in capitals.

    `url` is the Redis of the cache, and `state_url` that of counters, deadlines and queues (the same unless given).
    `key_prefix` begins every key, so that deployments can share a server, and `name` appears in Cache-Status. If
    Redis does not reply within `timeout_seconds` a read goes to PostgreSQL. A process opens at most `max_connections`
    to each server.

    `spill_rows` limits the rows of increments that PostgreSQL accepts while Redis is away. A backlog of increments that
    is older than `alarm_seconds` or larger than `alarm_mb` raises an alarm. The ledger of flushed buckets is kept for
    `ledger_days`, the record of a job run for `job_run_days`.
    """

    url: str
    state_url: str = ""
    key_prefix: str = "caching"
    name: str = "caching"
    timeout_seconds: float = 0.25
    max_connections: int = 64
    spill_rows: int = 1_000_000
    alarm_seconds: int = 60
    alarm_mb: int = 256
    ledger_days: int = 7
    job_run_days: int = 14

    def url_of(self, role: str) -> str:
        """Return the URL of the Redis that serves a role, `cache` or `state`."""
        return self.url if role == "cache" else self.state_url or self.url


_NEVER_EMPTY = frozenset({"URL", "KEY_PREFIX", "NAME", "TIMEOUT_SECONDS", "MAX_CONNECTIONS"})
_SCHEMES = ("redis://", "rediss://", "unix://")
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "float": (int, float), "int": (int,)}


@cache
def conf() -> Conf:
    """Return the options. Raises ImproperlyConfigured, which names every error in them."""
    given = getattr(settings, SETTING, None)
    if found := list(problems(given)):
        raise ImproperlyConfigured(" ".join(found))
    return Conf(**{name.lower(): value for name, value in (given or {}).items()})


def problems(given: Any) -> Iterator[str]:
    """Yield one sentence for each error in the value of `CACHING`."""
    example = f'{SETTING} = {{"URL": "redis://:password@host:6379/0"}}'
    if not isinstance(given, Mapping):
        yield f"{SETTING} is not set. Write {example} in the settings."
        return
    known = {field.name.upper(): field for field in fields(Conf)}
    for name in given.keys() - known.keys():
        near = difflib.get_close_matches(str(name).upper(), known, 1)
        yield f"{SETTING} has no option {name!r}{f', did you mean {near[0]!r}?' if near else '.'}"
    for name, field in known.items():
        if name not in given and field.default is MISSING:
            yield f"{SETTING} has no {name!r}. Write {example} in the settings."
        elif name in given and (complaint := _complaint(name, given[name], str(field.type))):
            yield f"{SETTING}[{name!r}] is {given[name]!r}: {complaint}"


def _complaint(name: str, value: Any, kind: str) -> str:
    if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
        return {"str": "it must be text.", "float": "it must be a number.", "int": "it must be a whole number."}[kind]
    if name in _NEVER_EMPTY and not value:
        return "it must not be empty." if kind == "str" else "it must be more than 0."
    if value and name.endswith("URL") and not str(value).startswith(_SCHEMES):
        return f"it must begin with {', '.join(_SCHEMES[:-1])} or {_SCHEMES[-1]}."
    return "it must not be negative." if isinstance(value, (int, float)) and value < 0 else ""


def _forget(*, setting: str, **_: Any) -> None:
    if setting == SETTING:
        conf.cache_clear()


setting_changed.connect(_forget, dispatch_uid="caching.conf")
