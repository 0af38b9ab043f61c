"""Steps that apps add to the daily clean-up."""

from __future__ import annotations

from collections.abc import Callable

# Deletes what is past its retention and returns the number of rows deleted.
Step = Callable[[], int]

steps: dict[str, Step] = {}


def add_cleanup_step(name: str, step: Step) -> None:
    """Add a step to the daily clean-up; the number it returns stands under `name` in the statistics of the run."""
    steps[name] = step
