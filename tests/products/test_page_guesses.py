"""What a process remembers of the feed pages that it read."""

from __future__ import annotations

from products.page_guesses import PageGuesses


def test_a_page_that_was_not_read_has_no_guess_and_a_read_one_its_last_products():
    guesses = PageGuesses()
    assert guesses.of("discover:1:20") == []
    guesses.remember("discover:1:20", [1, 2])
    guesses.remember("discover:1:20", [2, 3])
    assert guesses.of("discover:1:20") == [2, 3]


def test_a_limited_number_of_pages_is_remembered():
    guesses = PageGuesses(limit=3)
    for page in range(10):
        guesses.remember(str(page), [page])
        assert guesses.of(str(page)) == [page]
        assert len(guesses.by_page) <= 3


def test_a_fresh_start_forgets_all_pages_but_those_given():
    guesses = PageGuesses()
    guesses.remember("discover:1:20", [1])
    guesses.start_afresh({"discover:2:20": [2]})
    assert (guesses.of("discover:1:20"), guesses.of("discover:2:20")) == ([], [2])
    guesses.start_afresh()
    assert guesses.of("discover:2:20") == []
