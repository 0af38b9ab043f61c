"""The text of a row: unescaped once, in order, and cut at a word."""

from __future__ import annotations

from products.importing import cleaning, text
from tests.products.importing.cleaned_rows import GOOD, item


def test_entities_are_unescaped_once_and_text_is_put_in_order() -> None:
    assert text.one_line("  Ben &amp; Jerry&#39;s\t\x00 Ice\r\n cream ") == "Ben & Jerry's Ice cream"
    assert text.one_line("&amp;amp;") == "&amp;"
    assert text.one_line("safe\u202eegap") == "safeegap"
    assert text.one_line("Cafe\u0301") == "Café"
    assert text.paragraphs("a  b\r\n\r\n\r\n\r\nc &lt;d&gt; ") == "a b\n\nc <d>"


def test_long_text_is_cut_at_a_word_and_that_is_noted() -> None:
    cut = item({**GOOD, "title": "lamp " * 60, "description": "word " * 3000, "image_url": "ftp://x"})
    assert len(cut.title) <= 200
    assert cut.title.endswith("lamp…")
    assert len(cut.description) <= 10_000
    assert cut.notes == (cleaning.TITLE_CUT, cleaning.DESCRIPTION_CUT, cleaning.IMAGE_DROPPED)
