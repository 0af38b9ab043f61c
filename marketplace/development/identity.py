"""The identity of a process: its pid with its start time, since a pid alone is reused."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def started(pid: int) -> str | None:
    """Return when the process started, as boot id and ticks since boot, or None when it does not run."""
    fields = _stat(pid)
    if fields is None or fields[0] == "Z":
        return None
    boot = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    return f"{boot}:{fields[19]}"


def members(session: int) -> list[int]:
    """Return the living processes of a session, by pid."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and fields[0] != "Z" and fields[3] == str(session):
                found.append(int(entry.name))
    return found


def has_variable(pid: int, name: str, value: str) -> bool:
    """Return whether the process was started with name=value in its environment."""
    try:
        content = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return f"{name}={value}".encode() in content.split(b"\0")


def works_in(pid: int, directory: Path) -> bool:
    """Return whether directory is the current directory of the process."""
    try:
        return (PROC / str(pid) / "cwd").readlink() == directory.resolve()
    except OSError:
        return False


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on, which is the third."""
    try:
        content = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The second field is the program's name in brackets, which may contain brackets and spaces itself.
    return content[content.rindex(")") + 2 :].split()
