"""The steps of bin/dev, bin/test and bin/bench until the virtual environment's Python takes over."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from . import interpreter, options, peers, preflight, requirements, venv
from .errors import StartupError

ROOT = Path(__file__).resolve().parents[3]


def main(argv: list[str]) -> int:
    """Run the command named first in argv; returns only after its help, or when it could not start."""
    command, arguments = argv[0], argv[1:]
    if command == "test" and arguments and arguments[0] in ("-h", "--help"):
        print(options.TEST_HELP + options.ENVIRONMENT_HELP, end="")
        return 0
    try:
        _start(command, arguments)
    except StartupError as error:
        problem = str(error)
    except OSError as error:
        no_space = error.errno == errno.ENOSPC
        problem = "no disk space left" if no_space else f"{error.filename or ROOT}: {error.strerror}"
    except KeyboardInterrupt:
        print(flush=True)
        return 130
    print(f"bin/{command}: {problem}", file=sys.stderr)
    return 1


def _start(command: str, arguments: list[str]) -> NoReturn:
    local_dir = Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").absolute()
    with_peers = False
    if command == "dev":
        port = options.dev_parser().parse_args(arguments).port
        preflight.require_alone(local_dir)
        preflight.require_port(port, local_dir)
    elif command == "bench":
        with_peers = peers.needed_by(options.bench_parser(ROOT).parse_args(arguments).name)

    wanted = requirements.wanted(command, ROOT, os.environ)
    other = interpreter.better_for(wanted, os.environ, sys.version_info[:2])
    if other:
        interpreter.become(other, [sys.argv[0], command, *arguments])
    _require_space(command, local_dir, first=not venv.is_ready(ROOT, wanted))
    log = local_dir / "logs" / "pip.log"
    python = venv.prepare(ROOT, wanted, log)
    if with_peers:
        peers.prepare(ROOT, log)
    os.chdir(ROOT)
    os.environ["LOCAL_DIR"] = str(local_dir)
    interpreter.become(str(python), ["-m", f"marketplace.development.{command}", *arguments])


def _require_space(command: str, local_dir: Path, *, first: bool) -> None:
    if first:
        preflight.require_space(ROOT, preflight.FIRST_START_MB, os.environ)
    data = local_dir if command == "dev" else Path(tempfile.gettempdir())
    preflight.require_space(data, preflight.LATER_START_MB, os.environ)
