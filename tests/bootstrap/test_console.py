"""The output of many processes on one terminal."""

from __future__ import annotations

import io
from pathlib import Path

from marketplace.development.console import Channel, Console


def test_each_line_has_the_name_in_front_and_lies_in_the_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    channel = Channel("web", tmp_path / "web.log", Console(stream, 8))

    channel.feed(b"one\ntw")
    channel.feed("o \u00e4\nthree".encode())
    channel.close()

    assert stream.getvalue() == "web      | one\nweb      | two \u00e4\nweb      | three\n"
    assert (tmp_path / "web.log").read_text("utf-8") == "one\ntwo \u00e4\nthree\n"


def test_bytes_that_are_no_text_are_shown_and_not_fatal(tmp_path: Path) -> None:
    stream = io.StringIO()

    Channel("web", tmp_path / "web.log", Console(stream, 3)).feed(b"\xff\n")

    assert stream.getvalue() == "web | \ufffd\n"


def test_a_progress_bar_is_redrawn_on_a_terminal_and_final_in_the_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    channel = Channel("setup", tmp_path / "setup.log", Console(stream, 5, terminal=True))

    channel.feed(b"\r\x1b[2K10 %")
    assert "10 %" in stream.getvalue()
    channel.feed(b"\r\x1b[2K100 %\r\n")

    assert stream.getvalue().endswith("100 %\n")
    assert (tmp_path / "setup.log").read_text("utf-8") == "100 %\n"


def test_a_progress_bar_writes_one_line_where_there_is_no_terminal(tmp_path: Path) -> None:
    stream = io.StringIO()
    channel = Channel("setup", tmp_path / "setup.log", Console(stream, 5))

    channel.feed(b"10 %\r20 %")
    channel.feed(b"\r100 %\n")

    assert stream.getvalue() == "setup | 100 %\n"


def test_the_text_that_signals_readiness_is_found_among_others(tmp_path: Path) -> None:
    channel = Channel("worker", tmp_path / "worker.log", None, " ready.")

    channel.feed(b"starting\n")
    assert not channel.heard
    channel.feed(b"celery@host ready.\nmore\n")

    assert channel.heard


def test_a_reader_that_went_away_does_not_end_the_log(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Channel("web", tmp_path / "web.log", Console(Gone(), 3)).feed(b"still here\n")

    assert (tmp_path / "web.log").read_text("utf-8") == "still here\n"
