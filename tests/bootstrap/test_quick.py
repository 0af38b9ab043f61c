"""bin/test --quick: what it leaves out, and that it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quick import folder_mark

ROOT = Path(__file__).resolve().parents[2]


def collect(*arguments: str) -> tuple[set[str], str]:
    """Return the files of the tests that would run, and the last line of what pytest says."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    lines = done.stdout.splitlines()
    return {line.split("::")[0] for line in lines if "::" in line}, lines[-1]


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("faults/test_proxy.py", "fault"),
        ("faults/deep/test_more.py", "fault"),
        ("benchmarks/test_rows.py", "harness"),
        ("bootstrap/test_servers.py", "harness"),
        ("offers/lifecycle/test_races.py", None),
        ("test_quality.py", None),
        ("/elsewhere/test_it.py", None),
    ],
)
def test_a_folder_marks_its_tests(path: str, mark: str | None) -> None:
    assert folder_mark(ROOT / "tests" / path) == mark


@pytest.mark.slow
def test_it_leaves_out_folders_and_what_is_slow_and_says_how_many_tests_that_were() -> None:
    # Given files of folders that are left out, one whose tests are marked in it, and quick ones of each app
    quick = {
        "tests/caching/test_keys.py",
        "tests/products/test_money.py",
        "tests/offers/lifecycle/test_lifetime.py",
        "tests/marketplace/api/test_renderers.py",
        "tests/test_docs_links.py",
    }
    left_out = ["tests/faults/test_proxy.py", "tests/benchmarks", "tests/bootstrap", "tests/products/test_indexes.py"]

    found, last = collect("--quick", *quick, *left_out)

    assert found == quick
    assert "deselected" in last


@pytest.mark.slow
def test_it_goes_with_other_choices() -> None:
    paths = ["tests/offers/lifecycle", "tests/faults/test_proxy.py"]

    found, _ = collect("--quick", *paths, "-k", "deadlock or proxy", "-m", "not fault")

    assert found == {"tests/offers/lifecycle/test_races.py"}


@pytest.mark.slow
def test_without_it_a_mark_that_a_folder_gives_can_be_chosen() -> None:
    found, _ = collect(
        "-m", "harness", "tests/benchmarks/test_rows.py", "tests/bootstrap", "tests/caching/test_keys.py"
    )

    assert {path.split("/")[1] for path in found} == {"benchmarks", "bootstrap"}
