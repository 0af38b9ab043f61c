"""Rows of a report: a measurement, what it is compared with, the ratio, the reach, and whether it holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_HEADINGS = ("measured", "unit", "beside", "ratio", "reach", "holds")
_YES_NO = {True: "yes", False: "NO", None: "-"}


@dataclass(frozen=True, slots=True)
class Reach:
    """A bound, upper or lower. An aim is a bound that the current release does not promise yet."""

    limit: float
    at_least: bool
    unit: str = ""
    aim: bool = False

    def holds(self, value: float) -> bool:
        """Return whether a value is within reach."""
        return value >= self.limit if self.at_least else value < self.limit

    def __str__(self) -> str:
        text = f"{'>=' if self.at_least else '<'} {self.limit:g}{self.unit and f' {self.unit}'}"
        return f"{text} (aim)" if self.aim else text


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report. `ratio` is measured divided by its peer; without a reach the row only informs."""

    name: str
    measured: float
    unit: str
    beside: str = ""
    ratio: float | None = None
    reach: str = ""
    holds: bool | None = None


def row(
    name: str, measured: float, unit: str, beside: str = "", ratio: float | None = None, reach: Reach | None = None
) -> Row:
    """Return a row judged by its reach: the ratio where there is one, unless the reach names a unit."""
    if reach is None:
        return Row(name, measured, unit, beside, ratio)
    judged = measured if ratio is None or reach.unit else ratio
    return Row(name, measured, unit, beside, ratio, str(reach), reach.holds(judged))


def table(title: str, rows: Sequence[Row]) -> str:
    """Return the rows as an aligned table under a title."""
    lines = [(title, *_HEADINGS), *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(_pad(line, widths)).rstrip() for line in lines) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Return one line with the number of rows that have a reach, and those that miss it."""
    judged = [row for row in rows if row.holds is not None]
    missed = [f"{row.name} ({row.reach})" for row in judged if not row.holds]
    said = f"{len(judged) - len(missed)} of {len(judged)} within reach"
    return f"{said}; missed: {'; '.join(missed)}" if missed else said


def write_json(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as a JSON array of objects."""
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


def number(value: float) -> str:
    """Return a number with three significant digits, or whole from a thousand on."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    return (row.name, number(row.measured), row.unit, row.beside or "-", ratio, row.reach or "-", _YES_NO[row.holds])


def _pad(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    # Measured value and ratio are aligned right.
    return [
        cell.rjust(width) if column in (1, 4) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
