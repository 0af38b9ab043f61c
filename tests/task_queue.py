"""The Celery queue as a test sees it: real messages in the real broker, run on demand in this process."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

import redis
from celery import current_app
from django.conf import settings


class Message(NamedTuple):
    """One task message: its name and its arguments."""

    task: str
    args: list[Any]


class Queue:
    """Messages of one queue, oldest first."""

    def __init__(self, state: redis.Redis, name: str = "celery") -> None:
        self._state = state
        self._key = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] + name

    def messages(self) -> list[Message]:
        """Return what waits in the queue."""
        return [_parse(raw) for raw in reversed(self._state.lrange(self._key, 0, -1))]

    def run(self) -> list[Message]:
        """Remove every message from the queue and run its task here; return the messages."""
        # A worker imports every task module when it starts.
        current_app.loader.import_default_modules()
        done = []
        while (raw := self._state.rpop(self._key)) is not None:
            message = _parse(raw)
            current_app.tasks[message.task](*message.args)
            done.append(message)
        return done


def _parse(raw: bytes) -> Message:
    envelope = json.loads(raw)
    args, _, _ = json.loads(base64.b64decode(envelope["body"]))
    return Message(envelope["headers"]["task"], args)
