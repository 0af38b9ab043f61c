"""The image contains what it needs to run, and no more."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.deploy.services import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()

# Refuses modules that no requirement brings, as the image would, and then loads what its processes load.
_LOAD = """
import importlib.abc, sys
allowed = set(sys.argv[1].split(","))
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if path is None and name in foreign:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
from importlib import metadata
foreign = {
    module for module, owners in metadata.packages_distributions().items()
    if not allowed.intersection(owner.lower().replace("_", "-").replace(".", "-") for owner in owners)
}
sys.meta_path.insert(0, Refuse())
import marketplace.wsgi
from marketplace.celery import app
app.loader.import_default_modules()
app.connection_for_write().transport_cls
"""


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _closure() -> set[str]:
    """Return the names of all distributions that requirements.txt brings, by their own metadata."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    todo, seen = [Requirement(line) for line in lines if line], set()
    while todo:
        wanted = todo.pop()
        for extra in ("", *wanted.extras):
            if (_name(wanted.name), extra) in seen:
                continue
            seen.add((_name(wanted.name), extra))
            parts = map(Requirement, metadata.requires(wanted.name) or [])
            todo += [part for part in parts if part.marker is None or part.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder that the image gets: what .dockerignore lets through."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (line[1:] for line in lines if line.startswith("!")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, tmp_path / name)
    for name in (line for line in lines[1:] if line[0] not in "!*"):
        shutil.rmtree(tmp_path / name)
    return tmp_path


@pytest.fixture
def build_env() -> dict[str, str]:
    """The environment of the step of the Dockerfile that collects the static files."""
    step = DOCKERFILE.partition("RUN DJANGO_SECRET_KEY=")[2]
    env = dict(re.findall(r"^\s+([A-Z_]+)=(\S+) \\$", step, re.MULTILINE))
    return {"PATH": os.environ["PATH"], "DJANGO_SECRET_KEY": "0123456789abcdef" * 4, **env}


def test_it_is_enough_to_collect_the_static_files(image: Path, build_env: dict[str, str]) -> None:
    argv = [sys.executable, "manage.py", "collectstatic", "--no-input"]
    subprocess.run(argv, cwd=image, env=build_env, check=True, capture_output=True, timeout=120)
    assert (image / "staticfiles" / "admin").is_dir()
    assert (image / "staticfiles" / "drf_spectacular_sidecar").is_dir()


def test_its_settings_pass_the_checks_for_production(image: Path, build_env: dict[str, str]) -> None:
    argv = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    subprocess.run(argv, cwd=image, env=build_env, check=True, capture_output=True, timeout=120)


def test_requirements_bring_everything_that_its_processes_import(image: Path, build_env: dict[str, str]) -> None:
    argv = [sys.executable, "-c", _LOAD, ",".join(_closure())]
    done = subprocess.run(argv, cwd=image, env=build_env, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_it_holds_no_secret_and_nothing_of_development(image: Path) -> None:
    assert not list(image.rglob(".env*"))
    assert not (image / "tests").exists()
    assert not (image / ".git").exists()
    assert not (image / "marketplace" / "development").exists()


def test_it_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", users[-1])
    assert DOCKERFILE.index("USER ") > DOCKERFILE.rindex("\nRUN ")


def test_its_command_is_a_process_and_not_a_shell() -> None:
    assert re.search(r'^CMD \["web"\]$', DOCKERFILE, re.MULTILINE)
    assert re.search(r"^FROM \$\{PYTHON\}$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^ARG PYTHON=python:3\.[0-9]+-slim-[a-z]+$", DOCKERFILE, re.MULTILINE)
