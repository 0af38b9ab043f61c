"""Checks of the code itself: style, types, the direction of imports, length of files, and migrations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing():
    run("ruff", "check", ".")


def test_the_caching_layer_is_fully_typed():
    run("mypy")


def test_the_arrows_point_down():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_source_file_is_longer_than_300_lines():
    rooms = ("caching", "products", "offers", "marketplace")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    long = {str(path): count for path in sources if (count := len(path.read_text("utf-8").splitlines())) > 300}
    assert long == {}


def test_every_model_change_has_its_migration():
    run("django", "makemigrations", "--check", "--dry-run")
