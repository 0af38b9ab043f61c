"""Probes answer in time, and pile up neither threads nor checks."""

from __future__ import annotations

import threading
import time

from marketplace.ops.probes import Probe


class Broken(Exception):
    """The exception of a failed check."""


def test_a_check_that_returns_is_fine() -> None:
    finding = Probe(lambda: None, (Broken,), limit=5).start()()

    assert finding.ok
    assert finding.detail == ""


def test_a_check_that_fails_names_the_kind_of_failure_alone() -> None:
    def fail() -> None:
        raise Broken("password=hunter2")

    finding = Probe(fail, (Broken,), limit=5).start()()

    assert not finding.ok
    assert finding.detail == "Broken"


def test_a_frozen_check_holds_one_thread_and_costs_the_limit() -> None:
    # given a check that does not return
    thaw, begun = threading.Event(), []

    def freeze() -> None:
        begun.append(threading.current_thread())
        thaw.wait()

    probe = Probe(freeze, (Broken,), limit=0.05)

    # when it is started repeatedly
    started = time.monotonic()
    findings = [probe.start()() for _ in range(4)]

    # then each finding came in time, with one thread
    assert not any(finding.ok for finding in findings)
    assert time.monotonic() - started < 2
    assert len(begun) == 1

    # and once it returns the next check starts afresh
    thaw.set()
    begun[0].join()
    assert probe.start()().ok
    assert len(begun) == 2


def test_probes_run_beside_each_other() -> None:
    both = threading.Barrier(2)
    probes = [Probe(lambda: both.wait(5) and None, (threading.BrokenBarrierError,), limit=5) for _ in range(2)]

    findings = [wait() for wait in [probe.start() for probe in probes]]

    assert all(finding.ok for finding in findings)
