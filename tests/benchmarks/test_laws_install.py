"""The environment of the peers: apart from .venv, and with those that can be installed."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from marketplace.development.bootstrap import peers, venv
from marketplace.development.bootstrap.requirements import Wanted


def wheel(directory: Path, name: str) -> Path:
    """Make a wheel of one empty module."""
    path, info = directory / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def checkout(directory: Path, requirements: str) -> Path:
    """Make what a checkout has for the bootstrap: the file that is locked, and the peers' requirements."""
    (directory / "bin").mkdir()
    (directory / "bin" / "bootstrap.py").touch()
    (directory / peers.FILE).write_text(f"# Peers.\n{requirements}\n")
    return directory


def imports(python: Path, name: str) -> bool:
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given one peer that is available and one that no index has
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    root = checkout(tmp_path, f"no-such-peer==1.0\n{wheel(tmp_path, 'peer_at_hand')}")
    # When the peers are prepared
    peers.prepare(root, tmp_path / "pip.log")
    # Then the first is installed, the reason was printed, and the next start tries again
    assert imports(root / peers.PLACE / "bin" / "python", "peer_at_hand")
    assert "not all peers could be installed" in capsys.readouterr().out
    assert not venv.is_ready(root, Wanted({peers.FILE: "anything"}, {}), peers.PLACE)


@pytest.mark.slow
def test_peers_are_installed_once_and_outside_of_the_project_s_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given peers that were prepared
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    root = checkout(tmp_path, str(wheel(tmp_path, "peer_at_hand")))
    peers.prepare(root, tmp_path / "pip.log")
    capsys.readouterr()
    # When they are prepared again
    peers.prepare(root, tmp_path / "pip.log")
    # Then nothing is installed, and .venv itself has no Python yet
    assert capsys.readouterr().out == ""
    assert not (root / ".venv" / "bin").exists()


@pytest.mark.parametrize(("name", "needed"), [("laws", True), (None, True), ("http", False), ("codec", False)])
def test_only_the_laws_need_peers(name: str | None, needed: bool) -> None:
    assert peers.needed_by(name) is needed


def test_a_python_of_the_user_s_own_is_preferred() -> None:
    assert peers.python({"BENCH_PEERS_PYTHON": "/opt/peers/bin/python"}) == Path("/opt/peers/bin/python")
    assert peers.python({}) == peers.ROOT / ".venv" / "peers" / "bin" / "python"
