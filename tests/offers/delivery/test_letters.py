"""The texts of e-mails are single lines where a header could be injected."""

from __future__ import annotations

import pytest

from offers.delivery.letters import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Lamp", "Lamp"),
        ("  Lamp   de luxe ", "Lamp de luxe"),
        ("Lamp\r\nBcc: eve@example.com", "Lamp Bcc: eve@example.com"),
        ("a\0b\u2028c\x85d", "a b c d"),
        ("Lämp “de luxe”", "Lämp “de luxe”"),
        ("\n", ""),
    ],
)
def test_a_text_becomes_one_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line
