"""What this process last saw on each feed page, so that a read asks for the page and its products in one round trip."""

from __future__ import annotations

from collections.abc import Mapping

from caching import Id


class PageGuesses:
    """Product ids by the key of a feed page. It holds at most `limit` pages: one more drops all others."""

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self.start_afresh()

    def start_afresh(self, by_page: Mapping[str, list[Id]] | None = None) -> None:
        """Forget all pages, as in a new process; `by_page` stands for pages that were read before."""
        self.by_page = dict(by_page or {})

    def of(self, page: str) -> list[Id]:
        """Return the products that the page listed when it was last read; none if that is not known."""
        return self.by_page.get(page, [])

    def remember(self, page: str, ids: list[Id]) -> None:
        """Note what the page lists now."""
        if len(self.by_page) >= self._limit:
            self.by_page.clear()
        self.by_page[page] = ids


guesses = PageGuesses()
