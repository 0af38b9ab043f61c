"""The Lua scripts of the layer, loaded by name and called by digest."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.exceptions import NoScriptError


class Script:
    """One script: its source, its digest, and how to call it."""

    def __init__(self, name: str) -> None:
        self.source = files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def queue(self, pipeline: Any, keys: list[str], args: list[Any]) -> None:
        """Add a call to a pipeline; execute it with `run`, which knows what to do when Redis lost its scripts."""
        pipeline.evalsha(self.digest, len(keys), *keys, *args)


@cache
def script(name: str) -> Script:
    """Return the script in `name`.lua."""
    return Script(name)


def run(client: Any, pipeline: Any, scripts: list[Script]) -> list[Any]:
    """Execute a pipeline of script calls and reads in one round trip; raise the first error of any command.

    After SCRIPT FLUSH or a restart Redis answers NOSCRIPT, which means that the script did not run. Only those
    commands are sent again, so that no increment is ever repeated.
    """
    commands = list(pipeline.command_stack)
    results: list[Any] = pipeline.execute(raise_on_error=False)
    missing = [index for index, result in enumerate(results) if isinstance(result, NoScriptError)]
    if missing:
        again = client.pipeline(transaction=False)
        for item in scripts:
            again.script_load(item.source)
        for index in missing:
            args, options = commands[index]
            again.execute_command(*args, **options)
        for index, result in zip(missing, again.execute(raise_on_error=False)[len(scripts) :], strict=True):
            results[index] = result
    for result in results:
        if isinstance(result, redis.RedisError):
            raise result
    return results
