"""Progress on a stream that is no terminal: a line now and then, none too many, none if quiet."""

from __future__ import annotations

from io import StringIO

from products.progress import LINE_EVERY_SECONDS, Progress


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_is_written_every_few_seconds() -> None:
    stream, now = StringIO(), [0.0]
    with Progress("importing", stream=stream, clock=lambda: now[0]) as progress:
        for second in range(12):
            now[0] = float(second)
            progress.update(second, 12, f"{second} rows")
    assert LINE_EVERY_SECONDS == 5.0
    assert stream.getvalue() == "importing 41% 5 rows\nimporting 83% 10 rows\n"


def test_quiet_says_nothing() -> None:
    stream = Terminal()
    with Progress("importing", quiet=True, stream=stream) as progress:
        progress.update(1, 2)
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with Progress("importing", stream=stream) as progress:
        progress.update(1, 2, "7 rows")
    assert "importing" in stream.getvalue()
    assert "50%" in stream.getvalue()
    assert "7 rows" in stream.getvalue()
