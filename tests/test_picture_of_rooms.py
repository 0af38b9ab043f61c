"""The picture in docs/architecture.md has every import between the rooms of the layer, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

import grimp

from tests.import_graph import graph_of

_PAGE = Path(__file__).resolve().parents[1] / "docs/architecture.md"
ROOMS = {"counters", "deadlines", "entries", "http", "jobs", "readthrough", "redis", "upkeep"}


def drawn() -> Iterator[tuple[str, str]]:
    """Yield the solid arrows of the subgraph: the names of both ends."""
    layer = _PAGE.read_text("utf-8").partition("subgraph layer")[2].partition("    end\n")[0]
    # Labels are in brackets: ["..."] or (["..."]).
    for line in re.sub(r"\(?\[\"[^\"]*\"\]\)?", "", layer).splitlines()[1:]:
        ends = [re.findall(r"\w+", end) for end in line.split("-->")]
        for sources, targets in pairwise(ends):
            yield from product(sources, targets)


def test_the_picture_has_every_import_between_rooms() -> None:
    # Given the imports of the rooms, and of the front door
    modules = grimp.build_graph("caching", cache_dir=None)
    graph = graph_of("caching", modules)
    imports = {(room, to) for room in ROOMS for to in ROOMS if f"caching.{to}" in graph.arrows[f"caching.{room}"]}
    imported = {module.split(".")[1] for module in modules.find_modules_directly_imported_by("caching")}
    imports |= {("front", room) for room in imported & ROOMS}
    # Then the picture has these and no others
    assert sorted(drawn()) == sorted(imports)
