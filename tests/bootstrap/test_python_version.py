"""bin/dev refuses a Python that is too old with one line."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_an_old_version_gets_one_line(version: tuple[int, int, int]) -> None:
    entry = runpy.run_path(str(ROOT / "bin" / "bootstrap.py"))

    line = entry["complaint"](version)

    assert f"this is {version[0]}.{version[1]}" in line
    assert "\n" not in line


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 14, 0)])
def test_a_new_version_is_accepted(version: tuple[int, int, int]) -> None:
    entry = runpy.run_path(str(ROOT / "bin" / "bootstrap.py"))

    assert entry["complaint"](version) is None


def test_a_machine_with_old_pythons_only_gets_one_line(tmp_path: Path) -> None:
    # given a PATH where python3 exists, and refuses the version check as an old one would
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    (tmp_path / "tail").symlink_to("/usr/bin/tail")
    env = {key: value for key, value in os.environ.items() if key != "PYTHON"}

    # when
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "bin" / "dev")],
        env={**env, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    # then
    assert done.returncode == 1
    assert done.stderr.startswith("bin/dev: needs Python 3.11 or newer, and none is on PATH (Python 3.9.2)")
    assert done.stderr.count("\n") == 1


def test_a_chosen_python_that_is_unfit_is_named() -> None:
    done = subprocess.run(
        [str(ROOT / "bin" / "test")],
        env={**os.environ, "PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "PYTHON=/bin/false is not one" in done.stderr


@pytest.mark.parametrize("command", ["dev", "test", "bench"])
def test_help_needs_no_virtual_environment(command: str) -> None:
    done = subprocess.run([str(ROOT / "bin" / command), "--help"], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert f"usage: bin/{command}" in done.stdout
    assert "DATABASE_URL" in done.stdout
