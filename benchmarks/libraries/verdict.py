"""The findings of a law on one peer: rows for the report, and one cell of the table."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.harness.rows import Row


@dataclass(frozen=True, slots=True)
class LawRow(Row):
    """A row of one peer and law; `cell` is its text in the table of peers and laws."""

    peer: str = ""
    way: str = ""
    law: str = ""
    cell: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of a law. `reach` and `holds` apply to ours only, since peers do not promise them."""

    name: str
    measured: float
    unit: str
    cell: str
    reach: str
    holds: bool
    said: str = ""

    def row(self, peer: str, way: str, law: str, *, ours: bool) -> LawRow:
        """Return the row of this finding."""
        who = f"{peer}, {way}" if way else peer
        # Ours promises them only for the way that it ships.
        judged = ours and not way
        return LawRow(
            f"{self.name}: {who}",
            self.measured,
            self.unit,
            self.said,
            None,
            self.reach if judged else "",
            self.holds if judged else None,
            peer,
            way,
            law,
            self.cell,
        )


def unmeasured(peer: str, way: str, law: str, reason: str, cell: str = "not run") -> LawRow:
    """Return the row of a law that could not be put to a peer."""
    who = f"{peer}, {way}" if way else peer
    return LawRow(f"{law}: {who}", 0.0, "", reason, peer=peer, way=way, law=law, cell=cell)


def short(seconds: float) -> str:
    """Return a time short enough for a cell."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    ms = seconds * 1000
    return f"{ms:,.0f} ms" if ms >= 10 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.2f} ms"
