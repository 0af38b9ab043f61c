"""The peers that a benchmark measures, in an environment of their own: some patch Django where they are installed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from . import venv
from .errors import StartupError
from .requirements import Wanted

BENCHMARK = "laws"
FILE = "requirements-peers.txt"
# Inside .venv, so that removing that removes the peers too.
PLACE = ".venv/peers"
ROOT = Path(__file__).resolve().parents[3]


def needed_by(name: str | None) -> bool:
    """Return whether a benchmark, or all of them, measures peers."""
    return name in (None, BENCHMARK)


def prepare(root: Path, log: Path) -> None:
    """Install the peers, or those that can be installed; the benchmark names the ones it did not find."""
    mark = hashlib.sha256((root / FILE).read_bytes()).hexdigest()
    try:
        venv.prepare(root, Wanted({FILE: mark}, {}), log, PLACE)
    except StartupError as error:
        print(f"not all peers could be installed, and the rest is measured: {error}", flush=True)
        venv.install_singly(root, FILE, log, PLACE)


def python(environ: Mapping[str, str]) -> Path:
    """Return the Python that has the peers: BENCH_PEERS_PYTHON, else the one that bin/bench prepares."""
    return Path(environ.get("BENCH_PEERS_PYTHON") or ROOT / PLACE / "bin" / "python")
