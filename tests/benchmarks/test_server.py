"""The benchmark of server configurations: how they are started, and one run of it with tiny numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.server import CHOSEN, CONFIGURATIONS, Configuration
from marketplace.development import programs

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.server import CHOSEN, CONFIGURATIONS, Scale, measure
    scale = Scale(products=120, rounds=1, seconds=0.1, warm_up_seconds=0.02)
    print(json.dumps([asdict(row) for row in measure(scale, [CHOSEN, CONFIGURATIONS[-1]])]))
"""


def test_the_chosen_configuration_starts_what_bin_dev_starts() -> None:
    argv = programs.web(8000, {}).argv
    assert CHOSEN in CONFIGURATIONS
    assert CHOSEN.adapt(argv) == argv


def test_a_configuration_changes_what_it_names() -> None:
    # Given one with other numbers, an option and an application
    argv = programs.web(8000, {}).argv
    other = Configuration(7, 9, ("--runtime-mode", "mt"), "somewhere:application")
    # When it adapts a command line
    adapted = other.adapt(argv)
    # Then only these differ
    assert adapted[adapted.index("--workers") + 1] == "7"
    assert adapted[adapted.index("--blocking-threads") + 1] == "9"
    assert adapted[-3:] == ["--runtime-mode", "mt", "somewhere:application"]
    assert len(adapted) == len(argv) + 2
    assert other.environment()["WEB_THREADS"] == "9"


def test_configurations_have_names_of_their_own() -> None:
    names = [each.name for each in CONFIGURATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_configuration_has_its_rows(process_env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SMALL],
        cwd=ROOT,
        env=process_env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    asked = {row["name"].partition(":")[0] for row in rows}
    names = [CHOSEN.name, CONFIGURATIONS[-1].name]
    assert asked == {f"{read}, {name}" for read in ("detail", "batch of 100") for name in names}
    assert all(row["measured"] > 0 for row in rows if row["unit"] != "us")
