"""Command-line options of bin/dev and bin/bench, and the help of all three commands."""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

ENVIRONMENT_HELP = """\
environment:
  DATABASE_URL   use this PostgreSQL instead of an embedded one
  REDIS_URL      use this Redis (6.2 or newer) instead of an embedded one
  LOCAL_DIR      where state and logs lie (default: .local)
  PYTHON         the Python to build .venv with (3.11 or newer)
"""

BENCH_HELP = """\
Run every benchmark, or one, on servers of its own.

`laws` puts other caching libraries beside ours. They are installed from requirements-peers.txt into .venv/peers, never
into .venv; one that cannot be installed has rows that say so, and the rest is measured.
"""

DEV_HELP = """\
Prepare .venv, start PostgreSQL and Redis under .local/, migrate, seed a demo catalogue once, warm the cache,
start web, worker and beat, and print where everything is. Ctrl-C stops all of it; the data stays.
"""

TEST_HELP = """\
usage: bin/test [--quick] [pytest arguments]

Prepare .venv, start a PostgreSQL and a Redis in a temporary directory, and run the test suite on them.
It never touches the data of bin/dev and may run beside it. All arguments go to pytest.

options:
  --quick        leave out the fault tests, the tests of bin/* and of the benchmarks, and what is marked slow:
                 under two minutes, for every small step of work

examples:
  bin/test                                  the whole suite, on four processes, each file in one
  bin/test tests/offers -k expiry           some of it
  bin/test --quick                          what is quick of it
  bin/test --quick tests/offers -k expiry   some of that
  bin/test -m fault                         what kills a process, stops a server or cuts a connection
  bin/test -n 0 --pdb                       one process, with the debugger
  bin/test -- --help                        what pytest itself offers

"""


def port_number(text: str) -> int:
    """Return a TCP port from text, or raise the error that argparse reports."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (1 to 65535)")
    return int(text)


def dev_parser() -> argparse.ArgumentParser:
    """Return the options of bin/dev."""
    parser = _parser("bin/dev", DEV_HELP)
    parser.add_argument(
        "--port", type=port_number, default=8000, metavar="N", help="port of the web server (default: 8000)"
    )
    parser.add_argument("--no-seed", action="store_true", help="start with an empty catalogue and no demo users")
    parser.add_argument("--no-workers", action="store_true", help="web only: no Celery worker and no beat")
    return parser


def bench_parser(root: Path) -> argparse.ArgumentParser:
    """Return the options of bin/bench, whose help lists the benchmarks found under root."""
    listing = "\n".join(f"  {name:<14} {about}" for name, about in benchmarks(root)) or "  (none yet)"
    parser = _parser("bin/bench", BENCH_HELP, f"benchmarks:\n{listing}\n\n")
    parser.add_argument("name", nargs="?", metavar="NAME", help="one benchmark; without it, all of them")
    parser.add_argument("--quick", action="store_true", help="smaller rounds: faster, and less exact")
    parser.add_argument("--json", metavar="FILE", help="also write the rows as JSON")
    return parser


def benchmarks(root: Path) -> list[tuple[str, str]]:
    """Return name and first docstring line of each public module in benchmarks/, without importing any.

    They run in this order: what a read costs first, and what takes longest last.
    """
    first = ["fetch", "http", "codec", "laws"]
    found = []
    for path in sorted((root / "benchmarks").glob("[!_]*.py"), key=lambda path: (_rank(first, path.stem), path.stem)):
        about = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        found.append((path.stem, about.split("\n")[0]))
    return found


def _rank(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _parser(program: str, description: str, before_environment: str = "") -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=before_environment + ENVIRONMENT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
