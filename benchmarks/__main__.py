"""`python -m benchmarks [NAME] [--quick] [--json FILE]`, which bin/bench runs on servers of its own."""

from __future__ import annotations

import os
import platform
import signal
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.harness import rows
from benchmarks.harness.place import own_place
from benchmarks.harness.rows import Row
from marketplace.development.bootstrap.options import bench_parser, benchmarks

ROOT = Path(__file__).resolve().parent.parent


def main(argv: list[str]) -> int:
    """Run one benchmark or all, and report. A ratio that misses its reach is reported and is not a failure."""
    parser = bench_parser(ROOT)
    options = parser.parse_args(argv)
    known = [name for name, _ in benchmarks(ROOT)]
    if options.name and options.name not in known:
        parser.error(f"no benchmark {options.name!r}; there are: {', '.join(known)}")
    measured: list[Row] = []
    # SIGTERM as an exception, so that the server, the database and the keys are removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    print(machine())
    with own_place():
        for name in [options.name] if options.name else known:
            benchmark = import_module(f"benchmarks.{name}")
            found = benchmark.run(quick=options.quick)
            print(rows.table(name, found), flush=True)
            if hasattr(benchmark, "closing"):
                print(benchmark.closing(found), flush=True)
            measured += found
    if options.json:
        rows.write_json(Path(options.json), measured)
    print(rows.summary(measured))
    return 0


def machine() -> str:
    """Return one line about the machine, and how busy it was before this run."""
    load = os.getloadavg()[0]
    line = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {load:.1f}"
    return f"{line}: a busy machine, so trust ratios more than times\n" if load > 1 else f"{line}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
