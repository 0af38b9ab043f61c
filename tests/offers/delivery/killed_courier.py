"""Runs of the courier that are killed midway, in a process of their own. For an OtherProcess."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from offers.delivery import courier, outbox
from offers.delivery.base import DELIVERED, Message, Outcome


class Notebook:
    """A backend that writes ids to a file, or kills the process before."""

    def __init__(self, path: str, dies: bool = False) -> None:
        self._path = Path(path)
        self._dies = dies

    def __enter__(self) -> Notebook:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, message: Message) -> Outcome:
        if self._dies:
            die()
        with self._path.open("a") as file:
            file.write(f"{message.id}\n")
        return DELIVERED


def die(*_: Any) -> set[int]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def die_before_delivery(path: str, lease: float) -> None:
    """Run the job, and be killed between the claim and the delivery."""
    courier.configured_backend = lambda: Notebook(path, dies=True)
    courier.deliver_offer_events(lease=lease)


def die_before_settlement(path: str, lease: float) -> None:
    """Run the job, and be killed between the delivery and the settlement."""
    courier.configured_backend = lambda: Notebook(path)
    outbox.settle = die
    courier.deliver_offer_events(lease=lease)
