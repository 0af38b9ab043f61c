"""Every relative link of README and docs leads to a file that exists, and to a heading of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    return _CODE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(page))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    # Given the links of a page
    links = _LINK.findall(prose(page))

    # When each is followed from the page's folder
    targets = [((page.parent / path).resolve() if path else page, anchor) for path, anchor in links]

    # Then its file is there, and so is its heading
    assert [str(file) for file, _ in targets if not file.exists()] == []
    assert [(file.name, anchor) for file, anchor in targets if anchor and anchor not in anchors(file)] == []


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/glossary.md", "README.md"])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    # Given the source files that are named from the root, or from the layer
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|lua|md))`", (ROOT / page).read_text("utf-8"))

    # Then each is there
    assert named
    assert [path for path in named if not any((base / path).exists() for base in (ROOT, ROOT / "caching"))] == []
