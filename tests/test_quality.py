"""Checks of the code itself: style, types, the direction of imports, length of files, and migrations."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent

# The rooms of the layer that the rest of the project may import from.
DOORS = {"counters", "deadlines", "http", "jobs", "redis"}


def own_packages() -> list[str]:
    """Return the top packages of this project's apps."""
    names = (app.name.partition(".")[0] for app in apps.get_app_configs())
    return sorted({name for name in names if (ROOT / name).is_dir()})


def tools() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return settings


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


def test_the_linters_know_every_app():
    assert set(tools()["importlinter"]["root_packages"]) == {*own_packages(), "benchmarks"}
    assert set(tools()["ruff"]["lint"]["isort"]["known-first-party"]) == {*own_packages(), "benchmarks", "tests"}


def test_what_is_no_door_of_the_layer_is_protected():
    # Given the files and rooms of the layer, and the contract that lists what only the layer imports
    found = {
        path.stem for path in (ROOT / "caching").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    (contract,) = [each for each in tools()["importlinter"]["contracts"] if each["type"] == "protected"]
    # Then it has all of them
    private = {f"caching.{name}" for name in found - DOORS - {"__init__", "migrations"}}
    assert set(contract["protected_modules"]) == private | {f"caching.{door}.*" for door in DOORS}


def test_no_source_file_is_longer_than_300_lines():
    sources = [path for app in own_packages() for path in (ROOT / app).rglob("*.py")]
    long = {str(path): count for path in sources if (count := len(path.read_text("utf-8").splitlines())) > 300}
    assert long == {}


def test_every_model_change_has_its_migration():
    run("django", "makemigrations", "--check", "--dry-run")
