"""The geometry of a bar plot: the places of bars, rules and marks, for any counts and any way to draw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_RULES = 4
# The part of its slot that a bar fills, and the least height of a bar that can be seen.
FILLED, LEAST = 0.8, 1.5
UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of the picture, and within it the edges of the area of bars; the margin is for text."""

    width: int = 760
    height: int = 200
    left: int = 48
    right: int = 728
    top: int = 24
    base: int = 164

    @property
    def depth(self) -> int:
        return self.base - self.top


@dataclass(frozen=True, slots=True)
class Slot:
    """One count to plot: its full name, and the mark beneath the axis if it has one."""

    count: int
    name: str
    mark: str = ""

    @property
    def text(self) -> str:
        return f"{self.count:,}"


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of a slot; `left` is where the slot begins, and `x` where the bar does."""

    slot: Slot
    left: float
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the plot at a round count."""

    count: int
    y: float

    @property
    def text(self) -> str:
        """The count in a few characters: 1500 is 1.5k."""
        thousands = (len(str(self.count)) - 1) // 3
        return f"{self.count / 1000**thousands:g}{UNITS[thousands]}"


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars from left to right, at least one, and the rules behind them from the base up."""

    frame: Frame
    slot_width: float
    bars: Sequence[Bar]
    rules: Sequence[Rule]

    @property
    def total(self) -> int:
        return sum(bar.slot.count for bar in self.bars)

    @property
    def highest(self) -> Bar:
        """The first of the highest bars."""
        return max(self.bars, key=lambda bar: bar.slot.count)


def plot(slots: Sequence[Slot], frame: Frame | None = None) -> Plot:
    """Lay out slots of equal width, each with a bar as high as its count, on a scale that ends at a round count."""
    frame = frame or Frame()
    scale = scale_of(max(slot.count for slot in slots))
    width = (frame.right - frame.left) / len(slots)
    rules = [Rule(count, round(frame.base - frame.depth * count / scale[-1], 2)) for count in scale]
    return Plot(frame, round(width, 2), list(_bars(slots, frame, width, scale[-1])), rules)


def scale_of(highest: int) -> list[int]:
    """Return a few counts from 0 to the highest or just beyond, in equal steps of 1, 2 or 5 times a power of ten."""
    power = 1
    while 5 * power * MOST_RULES < highest:
        power *= 10
    step = next(factor * power for factor in (1, 2, 5) if factor * power * MOST_RULES >= highest)
    steps = max(1, -(-highest // step))
    return [step * n for n in range(steps + 1)]


def _bars(slots: Sequence[Slot], frame: Frame, width: float, top: int) -> Iterator[Bar]:
    for n, slot in enumerate(slots):
        left = frame.left + n * width
        height = max(frame.depth * slot.count / top, LEAST) if slot.count else 0.0
        x, y = left + width * (1 - FILLED) / 2, frame.base - height
        yield Bar(slot, *(round(number, 2) for number in (left, x, y, width * FILLED, height)))
