"""Progress of a long command: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

LINE_EVERY_SECONDS = 5.0


class Progress:
    """A context manager that shows how far the work is. `stream` is standard error unless given.

    `done` is how many units are finished. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        title: str,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.done = 0
        self._title = title
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._clock = clock
        self._line_at = clock()
        self._bar: RichProgress | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and self._stream.isatty():
            self._bar = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TaskProgressColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=Console(file=self._stream),
            )
            self._bar.add_task(self._title, total=None, note="")
            self._bar.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int | None, note: str = "") -> None:
        """Show that `done` of `total` units are finished, with a note. A total of None is not known."""
        self.done = done
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total or None, note=note)
        elif not self._quiet and self._clock() - self._line_at >= LINE_EVERY_SECONDS:
            self._line_at = self._clock()
            words = (self._title, _percent(done, total), note)
            self._stream.write(" ".join(filter(None, words)) + "\n")
            self._stream.flush()

    def advance(self, units: int, total: int | None, note: str = "") -> None:
        """Show that `units` more are finished. The total grows with what was done if it was estimated too low."""
        done = self.done + units
        self.update(done, total if total is None else max(done, total), note or f"{done:,}")


def _percent(done: int, total: int | None) -> str:
    if total is None:
        return ""
    return f"{100 * done // total if total else 100}%"
