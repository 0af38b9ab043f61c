"""Starts processes, passes on their output, restarts those that die, and ends all of them in order.

One thread does everything: PR_SET_PDEATHSIG refers to the thread that started a child, and a fork is safe only without
other threads.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

from . import run_files
from .backoff import Backoff
from .bootstrap.errors import StartupError
from .console import Channel, Console
from .process import Process, Running
from .state import LocalState

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TURN_SECONDS = 0.1


class Stopped(Exception):
    """A signal asked to stop."""


class Supervisor:
    """The processes under one LOCAL_DIR. stop_order names those that end first to last."""

    def __init__(self, state: LocalState, console: Console | None, stop_order: Sequence[str]) -> None:
        self._state = state
        self._console = console
        self._stop_order = stop_order
        self._running: dict[str, Running] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._due: dict[str, tuple[float, Process]] = {}
        self._selector = selectors.DefaultSelector()
        self.stop_requests = 0
        self._listen_to_signals()

    def start(self, process: Process, columns: int | None = None) -> Running:
        """Start a process. Until it is marked ready, its death is an error; from then on it is restarted."""
        log = self._state.log(process.name)
        channel = Channel(process.name, log, self._console, process.ready_text)
        running = Running(process, channel, columns)
        running.run_file().write(self._state)
        self._running[process.name] = running
        self._selector.register(running.output, selectors.EVENT_READ, running)
        return running

    def await_ready(self, running: Running, probe: Callable[[], bool], seconds: float) -> None:
        """Wait until the probe holds, or raise StartupError when the process ends or the time is over."""
        name, deadline = running.process.name, time.monotonic() + seconds
        while not probe():
            self.turn()
            log = self._state.logs / f"{name}.log"
            if running.ended():
                raise StartupError(f"{name} ended at its start: {running.channel.last_line or 'no output'} (see {log})")
            if time.monotonic() > deadline:
                raise StartupError(f"{name} was not ready after {seconds:.0f} s (see {log})")
        running.ready = True

    def run(self, process: Process) -> None:
        """Run a process to its end, or raise StartupError when it fails."""
        running = self.start(process, self._console.columns() if self._console else None)
        while not running.ended():
            self.turn()
        code = self._finish(running)
        if code != 0:
            log = self._state.logs / f"{process.name}.log"
            raise StartupError(f"{process.name} failed with code {code}: {running.channel.last_line} (see {log})")

    def watch(self, done: Callable[[], bool] = lambda: False) -> None:
        """Supervise the processes until done() holds; a signal raises Stopped."""
        while not done():
            self.turn()

    def turn(self) -> None:
        """Pass on output and restart what died. Raises Stopped after a signal, and StartupError when it gives up."""
        self._listen(TURN_SECONDS)
        if self.stop_requests:
            raise Stopped
        for running in [one for one in self._running.values() if one.ready and one.ended()]:
            self._schedule_restart(running)
        for name, (due, process) in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self.start(process).ready = True

    def stop(self) -> None:
        """End all processes in order. After a further signal each gets only a second instead of its patience."""
        asked = self.stop_requests
        others = [name for name in self._running if name not in self._stop_order]
        for name in [*others, *self._stop_order]:
            running = self._running.get(name)
            if running is None:
                continue
            running.signal(running.process.stop_signal)
            began = time.monotonic()
            while not running.ended():
                self._listen(TURN_SECONDS)
                patience = running.process.patience if self.stop_requests <= asked else 1.0
                if time.monotonic() - began > patience:
                    running.kill()
            self._finish(running)

    def _schedule_restart(self, running: Running) -> None:
        process = running.process
        code = self._finish(running)
        delay = self._backoffs.setdefault(process.name, Backoff()).after_death(time.monotonic() - running.began)
        ending = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        if delay is None:
            raise StartupError(f"{process.name} {ending}, again and again (see {self._state.logs / process.name}.log)")
        if self._console is not None:
            self._console.line(process.name, f"{ending}; starting it again in {delay:g} s")
        self._due[process.name] = (time.monotonic() + delay, process)

    def _finish(self, running: Running) -> int:
        # The output may have closed before, and then it is not registered any more.
        if running.output in self._selector.get_map():
            self._selector.unregister(running.output)
        code = running.finish()
        del self._running[running.process.name]
        run_files.forget(running.process.name, self._state)
        return code

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                os.read(key.fd, 512)
            elif not key.data.read():
                self._selector.unregister(key.fd)

    def _listen_to_signals(self) -> None:
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        os.set_blocking(theirs, False)
        signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        self._selector.register(ours, selectors.EVENT_READ, None)
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask_to_stop)
        # Without a handler the death of a child would not wake the selector.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requests += 1
