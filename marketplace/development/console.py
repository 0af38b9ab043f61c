"""The one terminal that all processes write to: each line with the name of its process in front."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TextIO

COLOURS = (36, 32, 33, 35, 34, 31)
CURSOR_CODES = re.compile(r"\x1b\[[0-9;?]*[A-KSThl]")


class Console:
    """Writes prefixed lines to a stream; width is the length of the longest name."""

    def __init__(self, stream: TextIO, width: int, *, terminal: bool | None = None) -> None:
        self._stream = stream
        self._width = width
        self.terminal = stream.isatty() if terminal is None else terminal
        self._colours: dict[str, int] = {}
        self._open_line = False

    def line(self, name: str, text: str) -> None:
        """Write one line of a process."""
        # An unfinished progress bar is overwritten; its process draws it again below.
        start = "\r\x1b[K" if self._open_line else ""
        self._open_line = False
        self._write(f"{start}{self._prefix(name)}{text}\n")

    def draft(self, name: str, text: str) -> None:
        """Write a line that will be overwritten, as progress bars are; only terminals show it."""
        if self.terminal and text:
            self._open_line = True
            self._write(f"\r\x1b[K{self._prefix(name)}{text}")

    def plain(self, text: str) -> None:
        """Write a block without a name."""
        self._write(f"{text}\n")

    def columns(self) -> int | None:
        """Return the columns beside the prefix, or None when this is no terminal."""
        return max(40, shutil.get_terminal_size().columns - self._width - 3) if self.terminal else None

    def _prefix(self, name: str) -> str:
        text = f"{name:<{self._width}} | "
        if not self.terminal:
            return text
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{text}\x1b[0m"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, OSError):
            # The reader of our output is gone. The log files still get everything, and only signals end this process.
            return


class Channel:
    """Turns the byte stream of one process into lines for its log file and, unless silent, for the console.

    heard becomes true with the first line that contains listen_for.
    """

    def __init__(self, name: str, log: Path, console: Console | None, listen_for: str = "") -> None:
        self._name = name
        self._listen_for = listen_for
        self.heard = False
        self._console = console
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._rest = b""
        self.last_line = ""

    def feed(self, chunk: bytes) -> None:
        """Take output as it comes, in pieces of any size."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)
        if self._console is not None and b"\r" in self._rest:
            self._console.draft(self._name, _drawn(self._rest))

    def close(self) -> None:
        """Write an unfinished last line, and close the log."""
        if self._rest:
            self._line(self._rest)
        os.close(self._log)

    def _line(self, raw: bytes) -> None:
        text = _drawn(raw)
        os.write(self._log, f"{text}\n".encode())
        self.last_line = text or self.last_line
        self.heard = self.heard or (self._listen_for != "" and self._listen_for in text)
        if self._console is not None:
            self._console.line(self._name, text)


def _drawn(raw: bytes) -> str:
    """Return what a terminal finally shows of a line: its part after the last carriage return."""
    parts = CURSOR_CODES.sub("", raw.decode("utf-8", "replace")).split("\r")
    return next((part for part in reversed(parts) if part.strip()), "").rstrip()
