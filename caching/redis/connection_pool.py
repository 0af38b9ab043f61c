"""The connection pool of one Redis, guarded by a breaker, with calls that bypass redis-py's client.

django-redis uses the same pool, so every client of that Redis shares its connections and its breaker.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any

import redis
from hiredis import pack_command
from redis.exceptions import NoScriptError

from caching.redis.breaker import Breaker
from caching.redis.errors import NotSent
from caching.redis.scripts import Command

# The server may have closed a connection that was idle for longer, so it is checked before its next use.
_IDLE_SECONDS = 1.0

_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool(redis.ConnectionPool):
    """A connection pool with a breaker. A connection that is returned closed has failed, and opens the breaker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _pools.add(self)

    def reset(self) -> None:
        """Drop all connections: in a new pool, and in a child process, which must not use those of its parent."""
        super().reset()
        self._idle: list[tuple[Any, float]] = []
        where = self.connection_kwargs
        server = str(where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}")
        self.breaker = Breaker(self._answers, server=server)

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        """Return a connected connection. Raises BreakerOpen, or what connecting raises."""
        self.breaker.check()
        try:
            idle, _ = self._idle.pop(0)
        except IndexError:
            return super().get_connection()
        # redis-py counts a connection in `_idle` as in use, towards its maximum; so it is given back first.
        super().release(idle)
        return super().get_connection()

    def release(self, connection: Any) -> None:
        """Take a connection back; if it has failed, open the breaker."""
        failed = not connection.is_connected
        super().release(connection)
        if failed:
            self.breaker.failed()

    def call(self, commands: Sequence[Command], patience: float = 0.0) -> list[Any]:
        """Run commands in one round trip and return their replies; raise the first error among them.

        `patience` is how many seconds longer than the socket timeout the replies may take. Raises NotSent if Redis
        could not be reached, MaxConnectionsError if no connection is free, and what redis-py raises for lost replies.
        """
        replies = self.ask(commands, patience)
        for reply in replies:
            if isinstance(reply, redis.RedisError):
                raise reply
        return replies

    def ask(self, commands: Sequence[Command], patience: float = 0.0) -> list[Any]:
        """Run commands in one round trip and return their replies, with errors in their places.

        It bypasses redis-py's client and pipeline (docs/decisions/0007). After SCRIPT FLUSH or a restart Redis answers
        NOSCRIPT, which means that the script did not run. Only those commands are sent again, with their source, so no
        increment is ever repeated.
        """
        replies = self._exchange([command.args for command in commands], patience)
        lost = [index for index, reply in enumerate(replies) if type(reply) is NoScriptError]
        if lost:
            again = [commands[index].with_source() for index in lost]
            for index, reply in zip(lost, self._exchange(again, patience), strict=True):
                replies[index] = reply
        return replies

    def _exchange(self, commands: Sequence[tuple[Any, ...]], patience: float) -> list[Any]:
        # Pack before taking a connection: an argument that cannot be packed is no failure of Redis.
        packed = b"".join(map(pack_command, commands))
        connection = self._take()
        wait = {"timeout": connection.socket_timeout + patience} if patience else {}
        try:
            connection.send_packed_command([packed], check_health=False)
            replies = [_reply(connection, wait) for _ in commands]
        except BaseException:
            # Part of a reply may still arrive; the next caller would read it as the reply to its own command.
            connection.disconnect()
            self.release(connection)
            raise
        self._idle.append((connection, time.monotonic()))
        return replies

    def _take(self) -> Any:
        """Return the connection that was used last, or another one of the pool. Raises NotSent."""
        self.breaker.check()
        try:
            connection, since = self._idle.pop()
        except IndexError:
            return self._connected()
        if time.monotonic() - since < _IDLE_SECONDS:
            return connection
        super().release(connection)
        return self._connected()

    def _connected(self) -> Any:
        try:
            return self.get_connection()
        except (NotSent, redis.MaxConnectionsError):
            raise
        except redis.RedisError as error:
            raise NotSent(str(error)) from error

    def _answers(self) -> bool:
        """Return whether Redis answers on a connection of its own."""
        connection = self.connection_class(**self.connection_kwargs)
        try:
            connection.connect()
            connection.send_command("PING")
            connection.read_response()
        except (redis.RedisError, OSError):
            return False
        finally:
            connection.disconnect()
        return True


def _reply(connection: Any, wait: dict[str, float]) -> Any:
    try:
        # The caller closes a broken connection. A Redis that is loading its data says so to each command and runs none.
        return connection.read_response(disconnect_on_error=False, **wait)
    except (redis.ResponseError, redis.BusyLoadingError) as error:
        return error


def _start_afresh() -> None:
    for pool in list(_pools):
        # A thread of the parent may have held the lock; that thread does not exist in the child.
        pool._lock = threading.RLock()
        pool.reset()


os.register_at_fork(after_in_child=_start_afresh)
