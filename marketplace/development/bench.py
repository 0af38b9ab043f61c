"""bin/bench: the benchmarks on throw-away servers, which write as durably as real ones."""

from __future__ import annotations

import sys

from . import foreground


def main() -> int:
    """Run the benchmarks and return their exit code."""
    argv = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
    return foreground.run("bin/bench", argv, "test", durable=True)


if __name__ == "__main__":
    sys.exit(main())
