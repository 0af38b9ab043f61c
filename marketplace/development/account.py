"""The account that PostgreSQL runs as, since it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .bootstrap.errors import StartupError

PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user to become before a program is started."""

    name: str
    uid: int
    gid: int


def server_account(data: Path) -> Account | None:
    """Return the account to run the database as, or None if this process is not root.

    The owner of existing data comes first, so that the data stays readable.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    if owner != 0:
        return Account(str(owner), owner, data.stat().st_gid)
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartupError(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody; start as another user"
    )


def let_through(target: Path, account: Account, say: Callable[[str], None]) -> None:
    """Give o+x to the directories above target that the account could not pass, and name each to `say`."""
    for directory in reversed(target.parents):
        status = directory.stat()
        if not _passable(status, account):
            directory.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
            say(f"chmod o+x {directory}: the database runs as user {account.name} and lies below")


def _passable(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
