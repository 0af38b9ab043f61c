"""What runs after each push: the whole suite, on each kind of Redis that the README promises."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from marketplace.development.bootstrap import redis_binary
from tests.deploy.services import ROOT


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    return workflow["jobs"]["test"]


def test_the_suite_runs_on_the_wheels_redis_and_on_each_server_that_a_machine_may_have(job: dict[str, Any]) -> None:
    matrix = job["strategy"]["matrix"]

    assert matrix["redis"] == ["wheel"]
    assert [row["redis"] for row in matrix["include"]] == list(redis_binary.NAMES)
    assert {row["python"] for row in matrix["include"]} <= set(matrix["python"])


def test_a_server_that_is_no_wheels_is_installed_before_the_tests_look_for_it(job: dict[str, Any]) -> None:
    *before, last = [step for step in job["steps"] if "run" in step]

    assert last == {"run": ".ci/run"}
    assert [step["if"] for step in before] == ["matrix.redis != 'wheel'"]
    assert before[0]["run"].endswith(" ${{ matrix.redis }}")
    assert job["runs-on"] == "ubuntu-24.04"


def test_all_of_it_runs() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1].endswith('/../bin/test" "$@"')
