"""What apps add to the daily clean-up."""

from __future__ import annotations

from collections.abc import Callable

# Deletes what is past its retention and returns how many rows that were.
Step = Callable[[], int]

steps: dict[str, Step] = {}


def add_cleanup_step(name: str, step: Step) -> None:
    """Have the daily clean-up call `step` too; the number it returns stands under `name` in the run's statistics."""
    steps[name] = step
