"""Progress on a terminal, on another stream and when quiet."""

from __future__ import annotations

from io import StringIO

from caching.management.progress import LINE_EVERY_SECONDS, Progress


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


def test_steps_add_up_and_the_total_grows_with_them() -> None:
    stream, now = StringIO(), [0.0]
    with Progress("deadlines", stream=stream, clock=lambda: now[0]) as progress:
        for units in (1500, 500, 1000):
            now[0] += LINE_EVERY_SECONDS
            progress.advance(units, 2500)
    assert stream.getvalue() == "deadlines 60% 1,500\ndeadlines 80% 2,000\ndeadlines 100% 3,000\n"
    assert progress.done == 3000


def test_without_a_total_no_percentage_is_shown() -> None:
    stream, now = StringIO(), [0.0]
    with Progress("warming", stream=stream, clock=lambda: now[0]) as progress:
        now[0] = LINE_EVERY_SECONDS
        progress.advance(100, None, "users: 100")
    assert stream.getvalue() == "warming users: 100\n"
