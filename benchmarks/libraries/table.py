"""The table of peers and laws."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.libraries.verdict import LawRow


def table(rows: Sequence[LawRow], columns: Sequence[tuple[str, str]]) -> str:
    """Return one line for each peer and way; `columns` pairs a part of a law with its heading."""
    whose = list(dict.fromkeys((row.peer, row.way) for row in rows))
    headings = [("", *(heading.partition("\n")[0] for _, heading in columns))]
    headings.append(("", *(heading.partition("\n")[2] for _, heading in columns)))
    lines = [(_name(peer, way), *(_cell(rows, peer, way, part) for part, _ in columns)) for peer, way in whose]
    widths = [max(len(line[i]) for line in [*headings, *lines]) for i in range(len(columns) + 1)]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(cells, widths) for cells in [*headings, rule, *lines]) + "\n"


def _name(peer: str, way: str) -> str:
    return f"  {way}" if way else peer


def _cell(rows: Sequence[LawRow], peer: str, way: str, part: str) -> str:
    cells = [row.cell for row in rows if (row.peer, row.way, row.law) == (peer, way, part) and row.cell]
    return cells[0] if cells else ("" if way else "-")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
