"""What is checked before anything is installed: ports, disk space, a second start."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.development.bootstrap import options, ports, preflight
from marketplace.development.bootstrap.errors import StartupError


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ports.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_refused_with_advice(taken_port: int, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=rf"port {taken_port} is in use; .*--port N"):
        preflight.require_port(taken_port, tmp_path)


def test_a_port_held_by_a_leftover_web_process_is_left_to_the_supervisor(taken_port: int, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "web.json").write_text("{}")

    preflight.require_port(taken_port, tmp_path)


def test_a_free_port_is_free() -> None:
    assert ports.is_free(ports.free_port())


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", ""])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        options.dev_parser().parse_args([f"--port={text}"])


def test_too_little_disk_space_is_refused_before_the_directory_exists(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"no disk space: .* MB free, and 999999999 MB are needed"):
        preflight.require_space(tmp_path / "not" / "there", 999_999_999, {})


def test_the_environment_overrides_the_space_needed(tmp_path: Path) -> None:
    preflight.require_space(tmp_path, 999_999_999, {"BOOTSTRAP_MIN_FREE_MB": "1"})


def test_a_second_start_on_one_directory_names_the_first(tmp_path: Path) -> None:
    # given a lock held as a running bin/dev holds it
    path = preflight.lock_path(tmp_path)
    path.parent.mkdir()
    path.write_text("4711")
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        # then
        with pytest.raises(StartupError, match=r"already running on .* \(pid 4711\)"):
            preflight.require_alone(tmp_path)

    # and once it has ended, in whatever way, a start is possible
    preflight.require_alone(tmp_path)
