"""A pytest plugin: the marks that a folder gives its tests, and --quick, which leaves out what takes long."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
BY_FOLDER = {"faults": "fault", "benchmarks": "harness", "bootstrap": "harness"}
LEFT_OUT = frozenset({"fault", "harness", "slow"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="leave out what is marked fault, harness or slow: for every small step of work",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of a folder, before -m chooses among them, and leave out those that are not quick."""
    for item in items:
        if mark := folder_mark(item.path):
            item.add_marker(mark)
    if config.getoption("quick"):
        out = [item for item in items if LEFT_OUT.intersection(mark.name for mark in item.iter_markers())]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def folder_mark(path: Path) -> str | None:
    """Return the mark that the tests of a file have by its folder."""
    return BY_FOLDER.get(path.relative_to(ROOT).parts[0]) if path.is_relative_to(ROOT) else None
