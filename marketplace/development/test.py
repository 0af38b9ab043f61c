"""bin/test: the test suite on throw-away servers."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from . import foreground

ONE_PROCESS = (
    "--pdb",
    "--trace",
    "--collect-only",
    "--co",
    "--version",
    "-V",
    "--help",
    "-h",
    "no:xdist",
    "-pno:xdist",
)
# Fault tests wait for processes and servers much of the time, so two cores are busy with four test processes. The quick
# tests wait less.
_PROCESSES, _QUICK_PROCESSES = "4", "3"
# A file stays in one process, so that what its tests share is made once. Groups by mark would be finer, but
# pytest-xdist 3.8 ignores them silently under pytest 9.2 (pytest-dev/pytest-xdist#1386). By default xdist starts with
# the files that have the most tests, so a file with a single long test would come last.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")


def pytest_arguments(given: Sequence[str]) -> list[str]:
    """Return pytest's arguments: those given, and how many processes unless they decide that themselves."""
    arguments = list(given[1:] if given[:1] == ["--"] else given)
    names = {argument.split("=")[0] for argument in arguments}
    if names.intersection((*ONE_PROCESS, "--dist")):
        return arguments
    if "--numprocesses" in names or any(argument.startswith("-n") for argument in arguments):
        return [*BY_FILE, *arguments]
    return ["-n", _QUICK_PROCESSES if "--quick" in names else _PROCESSES, *BY_FILE, *arguments]


def main() -> int:
    """Run pytest and return its exit code."""
    argv = [sys.executable, "-m", "pytest", *pytest_arguments(sys.argv[1:])]
    # The data is removed after the run, so it needs no crash safety, which would take time.
    return foreground.run("bin/test", argv, "test", durable=False)


if __name__ == "__main__":
    sys.exit(main())
