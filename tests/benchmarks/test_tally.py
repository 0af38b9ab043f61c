"""The loads of a key are counted once no more of them come."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from benchmarks.libraries import tally

LOAD_SECONDS = 0.02


def test_a_late_load_is_waited_for_and_counted(tmp_path: Path) -> None:
    # Given a load that begins when a worker gets to it, later than loads take
    file = tmp_path / "tally"
    file.write_bytes(b"..")
    late = threading.Timer(10 * LOAD_SECONDS, lambda: file.write_bytes(b"..."))
    late.start()
    # When its loads are counted beyond the two before
    count = tally.settled(file, LOAD_SECONDS, before=2, patience=10)
    # Then it is among them
    assert count == 3
    late.join()


def test_a_key_that_is_not_loaded_is_given_up(tmp_path: Path) -> None:
    began = time.monotonic()
    assert tally.settled(tmp_path / "tally", LOAD_SECONDS, before=0, patience=0.1) == 0
    assert time.monotonic() - began >= 0.1
