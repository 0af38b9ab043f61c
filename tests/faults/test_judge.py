"""The judge of the random run: which reads count as stale."""

from __future__ import annotations

import pytest

from tests.faults.random_run.judge import HEALED_NS, Judge
from tests.faults.random_run.log import Record, What

# Row 1 was given version 2 by writer 7, which was answered at 20. Then writer 8 rolled version 3 back, and writer 9,
# which was killed at 60, committed it.
WRITES = [
    Record(What.WRITING, 1, 2, 10, 15, process=7),
    Record(What.ANSWERED, 1, 2, 10, 20, process=7),
    Record(What.WRITING, 1, 3, 30, 35, process=8),
    Record(What.WRITING, 1, 3, 40, 45, process=9),
    Record(What.KILLED, 0, 9, 59, 60, process=0),
]


@pytest.mark.parametrize(
    ("began", "version", "is_stale"),
    [
        pytest.param(19, 1, False, id="before-the-answer"),
        pytest.param(21, 1, True, id="after-the-answer"),
        pytest.param(21, 2, False, id="what-was-answered"),
        pytest.param(21, 3, False, id="newer-than-it-must-be"),
        pytest.param(60 + HEALED_NS, 2, False, id="killed-writer-not-healed-yet"),
        pytest.param(61 + HEALED_NS, 2, True, id="killed-writer-not-healed-in-time"),
        pytest.param(61 + HEALED_NS, 3, False, id="killed-writer-healed"),
    ],
)
def test_a_read_is_stale_if_it_shows_less_than_was_due_when_it_began(began: int, version: int, is_stale: bool) -> None:
    read = Record(What.READ, 1, version, began, began + 5, process=3)

    judge = Judge([*WRITES, read], final={1: 3})

    assert bool(judge.stale(What.READ)) is is_stale
    assert judge.stale(What.PLAIN_READ) == []


def test_what_was_rolled_back_is_never_due() -> None:
    read = Record(What.READ, 1, 2, 61 + HEALED_NS, 62 + HEALED_NS, process=3)

    assert Judge([*WRITES, read], final={1: 2}).stale(What.READ) == []


def test_the_story_of_a_stale_read_names_the_write_that_it_missed() -> None:
    read = Record(What.READ, 1, 1, 5_000_021, 5_000_026, process=3)
    judge = Judge([*WRITES, read], final={1: 3})

    story = judge.story(judge.stale(What.READ)[0])

    assert story.startswith("row 1 should have shown 2:")
    assert "-5.0 ..     -5.0 ms  process   7  answered    version 2" in story
    assert "0 writes answered" not in judge.summary()
