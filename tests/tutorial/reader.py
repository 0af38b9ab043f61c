"""A reader who follows a tutorial to the letter, in a folder and an environment of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.tutorial.page import Step

# How long a reader waits for an output that comes late; the page promises it sooner.
_LATE_SECONDS = 30

# A machine with Python alone has no curl.
_CURL = """\
#!{python}
import sys, urllib.request
words, headers, data = sys.argv[1:], {{}}, None
while words:
    word = words.pop(0)
    if word == "-H":
        name, _, value = words.pop(0).partition(": ")
        headers[name] = value
    elif word == "-d":
        data = words.pop(0).encode()
    elif not word.startswith("-"):
        url = word
with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
    if "-si" in sys.argv:
        print(f"HTTP/1.1 {{answer.status}} {{answer.reason}}")
        print(*(f"{{name}}: {{value}}" for name, value in answer.headers.items()), "", sep="\\n")
    sys.stdout.write(answer.read().decode())
"""


class Reader:
    """Carries out steps in `folder`; `checkout` is where the wheel is built, `port` what stands for 8000."""

    def __init__(self, folder: Path, checkout: Path, port: int, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._checkout = checkout
        self._port = port
        tools = folder.parent / "tools"
        tools.mkdir()
        self._put_curl(tools)
        subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
        self._env = {
            **env,
            "PATH": f"{folder / '.venv' / 'bin'}:{env['PATH']}:{tools}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def follow(self, step: Step) -> None:
        """Carry out a step, and compare what it prints with the page."""
        text = step.text.replace(":8000", f":{self._port}").replace(
            "runserver 8000", f"runserver {self._port} --noreload"
        )
        if step.kind in ("write", "append"):
            with (self._folder / step.target).open("a" if step.kind == "append" else "w") as file:
                file.write(text)
        elif "runserver" in text or "celery" in text:
            self._start("server" if "runserver" in text else "worker", text)
        else:
            deadline = time.monotonic() + (_LATE_SECONDS if step.late else 0)
            printed = self._printed(text)
            while step.kind == "compare" and printed != step.output.strip() and time.monotonic() < deadline:
                time.sleep(0.2)
                printed = self._printed(text)
            assert step.kind == "run" or printed == step.output.strip(), (text, printed, self.logs())

    def run(self, line: str) -> str:
        """Run a line in a shell and return what it printed."""
        where = self._checkout if "pip wheel" in line else self._folder
        done = subprocess.run(
            ["bash", "-c", line], cwd=where, env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def logs(self) -> str:
        """Return what the processes in the background have printed."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def close(self) -> None:
        """End the processes in the background."""
        for name in list(self._running):
            self._stop(name)

    def _printed(self, line: str) -> str:
        return self.run(line).replace("\r", "").strip()

    def _stop(self, name: str) -> None:
        process = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, line: str) -> None:
        """Start a process in the background; one of this name that runs already is stopped first."""
        if name in self._running:
            self._stop(name)
        log = (self._folder / f"{name}.log").open("ab")
        command = ["bash", "-c", f"exec env {line}"]
        process = subprocess.Popen(
            command, cwd=self._folder, env=self._env, stdout=log, stderr=log, start_new_session=True
        )
        self._running[name] = process
        if name == "server":
            self._wait_for_the_server(process)

    def _wait_for_the_server(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/nothing", timeout=1).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(self.logs())

    def _put_curl(self, tools: Path) -> None:
        if shutil.which("curl") is None:
            (tools / "curl").write_text(_CURL.format(python=sys.executable))
            (tools / "curl").chmod(0o755)
