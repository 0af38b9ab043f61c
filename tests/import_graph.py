"""Prints the import graph of a package: its rooms, floors, arrows, arrows that point up, and circles.

A room is a file or a sub-package, an arrow is an import from one room into another, and a floor is how many arrows lie
between a room and the ground at most. An arrow points up if the rest of the graph would have no circle without it.
    python -m tests.import_graph            caching, and each of its rooms
    python -m tests.import_graph offers     another package
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import grimp


@dataclass
class Graph:
    """Rooms, and the rooms that each imports."""

    rooms: set[str]
    arrows: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def circles(self) -> list[list[str]]:
        """Return the sets of two or more rooms that all reach each other."""
        reach = {room: self._reached(room) for room in self.rooms}
        circles = {frozenset(other for other in reach[room] if room in reach[other]) for room in self.rooms}
        return sorted(sorted(circle) for circle in circles if len(circle) > 1)

    def up(self) -> list[tuple[str, str]]:
        """Return few arrows without which there is no circle (the heuristic of Eades, Lin and Smyth, 1993)."""
        found = []
        for circle in self.circles():
            rank = {room: place for place, room in enumerate(self._ordered(circle))}
            found += [(room, to) for room in circle for to in self.arrows[room] if rank.get(to, math.inf) < rank[room]]
        return found

    def floors(self) -> int:
        """Return how many rooms the longest chain of imports passes; arrows that point up do not count."""
        up = self.up()
        down = {room: self.arrows[room] - {to for other, to in up if other == room} for room in self.rooms}
        heights: dict[str, int] = {}

        def height(room: str) -> int:
            if room not in heights:
                heights[room] = 1 + max(map(height, down[room]), default=0)
            return heights[room]

        return max(map(height, self.rooms), default=0)

    def _reached(self, start: str) -> set[str]:
        seen, left = set[str](), [start]
        while left:
            for room in self.arrows[left.pop()] - seen:
                seen.add(room)
                left.append(room)
        return seen

    def _ordered(self, rooms: Iterable[str]) -> list[str]:
        left, first, last = set(rooms), list[str](), list[str]()
        while left:
            out = {room: len(self.arrows[room] & left) for room in left}
            into = {room: sum(room in self.arrows[other] for other in left) for room in left}
            if sinks := sorted(room for room in left if not out[room]):
                last.insert(0, sinks[0])
                left.discard(sinks[0])
                continue
            best = max(sorted(left), key=lambda room: (not into[room], out[room] - into[room]))
            first.append(best)
            left.discard(best)
        return first + last


def graph_of(package: str, modules: grimp.ImportGraph) -> Graph:
    """Return the graph of what lies directly in a package; a sub-package is one room."""
    names = {child for child in modules.find_children(package) if not child.endswith(".migrations")}
    graph = Graph(names)
    for module in modules.modules:
        for imported in modules.find_modules_directly_imported_by(module):
            room, to = _room(module, names), _room(imported, names)
            if room and to and room != to:
                graph.arrows[room].add(to)
    return graph


def _room(module: str, names: set[str]) -> str | None:
    parts = module.split(".")
    return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in names), None)


def describe(package: str, graph: Graph) -> str:
    """Return a line on a graph, and a line more for each circle and each arrow that points up."""
    arrows = sum(map(len, graph.arrows.values()))
    up, circles = graph.up(), graph.circles()
    lines = [
        f"{package:<24}{len(graph.rooms):>4} rooms{graph.floors():>4} floors{arrows:>5} arrows"
        f"{len(up):>4} up{len(circles):>4} circles"
    ]
    lines += [f"    circle: {', '.join(circle)}" for circle in circles]
    return "\n".join([*lines, *(f"    up: {room} -> {to}" for room, to in sorted(up))])


def main(packages: list[str]) -> None:
    """Print the graphs of packages, and of the sub-packages in them."""
    for package in packages or ["caching"]:
        modules = grimp.build_graph(package, cache_dir=None)
        inner = [child for child in sorted(modules.find_children(package)) if modules.find_children(child)]
        for name in [package, *(child for child in inner if not child.endswith(".migrations"))]:
            print(describe(name, graph_of(name, modules)))


if __name__ == "__main__":
    main(sys.argv[1:])
