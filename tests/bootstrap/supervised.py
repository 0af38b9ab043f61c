"""A supervisor of shell scripts, run by tests as a process of its own: supervised.py LOCAL_DIR NAME=SCRIPT ...

It stops them in the order given, and prints "up" when all have been started.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.console import Console
from marketplace.development.process import Process
from marketplace.development.state import LocalState
from marketplace.development.supervisor import Stopped, Supervisor

PATIENCE_SECONDS = 1.0


def main(root: str, *scripts: str) -> int:
    state = LocalState(Path(root))
    named = dict(script.split("=", 1) for script in scripts)
    console = Console(sys.stdout, 3)
    supervisor = Supervisor(state, console, list(named))
    env = {"PATH": os.environ["PATH"], "LOCAL_DIR": root}
    try:
        for name, script in named.items():
            process = Process(name, ["/bin/sh", "-c", script], env, patience=PATIENCE_SECONDS)
            supervisor.start(process).ready = True
        console.line("dev", "up")
        supervisor.watch()
    except Stopped:
        return 0
    except StartupError as error:
        console.line("dev", str(error))
        return 1
    finally:
        supervisor.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
