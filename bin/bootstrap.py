"""Entry of bin/dev, bin/test and bin/bench: checks the Python version, then hands over to the package.

This file uses only syntax that every Python can read, so that an old one prints that it is too old.
"""
# ruff: noqa: I002, PTH100, PTH118, PTH120, UP031

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def complaint(version):
    """Return one line saying why this Python version cannot be used, or None when it can."""
    if tuple(version[:2]) >= (3, 11):
        return None
    return "needs Python 3.11 or newer, and this is %d.%d. Set PYTHON=/path/to/python3." % tuple(version[:2])


def main(argv):
    """Run the named command and return its exit code."""
    problem = complaint(sys.version_info)
    if problem:
        sys.stderr.write("bin/%s: %s\n" % (argv[0] if argv else "dev", problem))
        return 1
    # Imported from inside, because importing `marketplace` needs libraries that are not there yet.
    sys.path.insert(0, os.path.join(ROOT, "marketplace", "development"))
    from bootstrap.command import main as run

    return run(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
