"""The log of each process: records that outlive it, by a clock that all processes share."""

from __future__ import annotations

import enum
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class What(enum.IntEnum):
    """The kind of a record.

    READ and PLAIN_READ: a row was read through our cache or the plain one. WRITING: a row got a version, in a
    transaction that has yet to commit. ANSWERED: the call that wrote the version returned. KILLED: the process
    whose number is the record's version was killed. FAULT: the fault with that number was caused.
    """

    READ = 1
    PLAIN_READ = 2
    WRITING = 3
    ANSWERED = 4
    KILLED = 5
    FAULT = 6


class Record(NamedTuple):
    """One record. Times are nanoseconds of CLOCK_MONOTONIC; `process` is the number of the process that wrote it."""

    what: What
    id: int
    version: int
    began: int
    ended: int
    process: int


_FORMAT = struct.Struct("<BxxxIQQQ")


class Log:
    """The log of one process, which has a number."""

    def __init__(self, folder: Path, process: int) -> None:
        self._file = os.open(folder / f"{process}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, what: What, id: int, version: int, began: int) -> None:
        """Write a record of what began at `began` and has ended now. The kernel has it when this returns."""
        os.write(self._file, _FORMAT.pack(what, id, version, began, time.monotonic_ns()))


def read(folder: Path) -> Iterator[Record]:
    """Return the records of all processes, without those that a kill cut off."""
    for path in folder.glob("*.log"):
        data = path.read_bytes()
        whole = data[: len(data) - len(data) % _FORMAT.size]
        for what, id, version, began, ended in _FORMAT.iter_unpack(whole):
            yield Record(What(what), id, version, began, ended, int(path.stem))
