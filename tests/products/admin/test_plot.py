"""A plot's geometry: bars in proportion and in order, within their frame, on a scale of round counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.admin.plot import LEAST, MOST_RULES, Frame, Rule, Slot, plot, scale_of

COUNTS = st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 50), min_size=1, max_size=100)
FRAME = Frame(width=240, height=140, left=20, right=220, top=10, base=110)


def slots(counts: list[int]) -> list[Slot]:
    return [Slot(count, f"slot {n}") for n, count in enumerate(counts)]


def test_bars_are_as_high_as_their_counts_on_the_scale() -> None:
    drawn = plot(slots([0, 5, 10, 20]), FRAME)

    assert [(bar.left, bar.x, bar.y, bar.width, bar.height) for bar in drawn.bars] == [
        (20, 25, 110, 40, 0),
        (70, 75, 85, 40, 25),
        (120, 125, 60, 40, 50),
        (170, 175, 10, 40, 100),
    ]
    assert [(rule.count, rule.y) for rule in drawn.rules] == [(0, 110), (5, 85), (10, 60), (15, 35), (20, 10)]
    assert (drawn.slot_width, drawn.bars[1].middle) == (50, 95)


def test_one_view_beside_a_million_is_seen_and_none_is_not() -> None:
    none, one, _ = plot(slots([0, 1, 1_000_000])).bars

    assert (none.height, one.height) == (0, LEAST)


def test_a_plot_has_its_total_and_the_first_of_its_highest_bars() -> None:
    drawn = plot(slots([3, 1200, 1200, 0]))

    assert drawn.total == 2403
    assert (drawn.highest.slot.name, drawn.highest.slot.text) == ("slot 1", "1,200")


@given(COUNTS)
def test_bars_stand_side_by_side_within_their_frame(counts: list[int]) -> None:
    drawn = plot(slots(counts), FRAME)

    assert [bar.slot.count for bar in drawn.bars] == counts
    slot = (FRAME.right - FRAME.left) / len(counts)
    for n, bar in enumerate(drawn.bars):
        assert bar.left == pytest.approx(FRAME.left + n * slot, abs=0.01)
        assert bar.left <= bar.x
        assert bar.x + bar.width <= bar.left + slot + 0.02
        assert bar.y >= FRAME.top
        assert bar.y + bar.height == pytest.approx(FRAME.base, abs=0.02)


@given(COUNTS)
def test_a_higher_count_is_never_the_lower_bar(counts: list[int]) -> None:
    bars = sorted(plot(slots(counts)).bars, key=lambda bar: bar.slot.count)

    heights = [bar.height for bar in bars]
    assert heights == sorted(heights)
    assert all((bar.height > 0) == (bar.slot.count > 0) for bar in bars)


@given(st.integers(0, 2**63 - 1) | st.integers(0, 10_000))
def test_a_scale_has_a_few_equal_steps_of_round_counts_and_ends_where_it_must(highest: int) -> None:
    scale = scale_of(highest)

    step = scale[1]
    assert scale == [n * step for n in range(len(scale))]
    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert 2 <= len(scale) <= MOST_RULES + 1
    assert scale[-1] >= highest
    assert scale[-2] < max(highest, 1)


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (20, [0, 5, 10, 15, 20]),
        (21, [0, 10, 20, 30]),
        (112, [0, 50, 100, 150]),
    ],
)
def test_a_scale_is_what_a_person_would_draw(highest: int, expected: list[int]) -> None:
    assert scale_of(highest) == expected


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1500, "1.5k"), (2_000_000, "2M"), (6 * 10**9, "6G"), (10**19, "10E")],
)
def test_a_rule_says_its_count_in_a_few_characters(count: int, text: str) -> None:
    assert Rule(count, 0).text == text
