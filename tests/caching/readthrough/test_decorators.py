"""Functions cached by `stale_while_revalidate`, plain and async."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from caching.errors import LoaderBackedOff
from caching.readthrough.decorators import stale_while_revalidate
from caching.readthrough.resource import registry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def greeting():
    """A cached function that counts its calls."""
    calls: list[tuple[str, int]] = []

    @stale_while_revalidate(key_prefix="greeting", ttl=900)
    def greet(name: str, times: int = 1) -> dict[str, object]:
        """Greets."""
        calls.append((name, times))
        return {"text": f"hello {name} " * times, "call": len(calls)}

    yield greet, calls
    registry.remove("greeting")


def test_the_answer_is_kept_for_each_set_of_arguments(greeting):
    greet, calls = greeting
    assert greet("ann") == greet("ann") == {"text": "hello ann ", "call": 1}
    assert greet("ann", times=2)["call"] == 2
    assert calls == [("ann", 1), ("ann", 2)]
    assert greet.__doc__ == "Greets."


def test_an_invalidated_answer_is_computed_again(greeting):
    greet, _calls = greeting
    greet("ann")
    greet.invalidate("ann")
    assert greet("ann")["call"] == 2


def test_a_stale_answer_is_given_at_once_and_refreshed_by_one_task(greeting, queue):
    greet, _calls = greeting
    now = registry.get("greeting").store.clock()
    registry.get("greeting").store.clock = lambda: now - 901_000
    greet("ann")
    registry.get("greeting").store.clock = lambda: now

    assert greet("ann")["call"] == 1
    assert greet("ann")["call"] == 1
    assert [message.args[0] for message in queue.run()] == ["greeting"]
    assert greet("ann")["call"] == 2


def test_arguments_that_are_no_key_are_refused(greeting):
    greet, _ = greeting
    with pytest.raises(TypeError):
        greet(object())
    with pytest.raises(ValueError, match="too long for a key"):
        greet("x" * 2000)


def test_a_prefix_can_be_taken_once(greeting):
    with pytest.raises(ValueError, match="declared twice"):
        stale_while_revalidate(key_prefix="greeting", ttl=1)(lambda: 1)


def test_a_call_is_the_same_however_its_arguments_are_passed(greeting):
    greet, calls = greeting
    assert greet("ann") == greet(name="ann") == greet("ann", 1) == greet("ann", times=1)
    greet.invalidate(times=1, name="ann")
    assert greet("ann")["call"] == 2
    assert len(calls) == 2


def test_nan_is_refused(greeting):
    greet, _ = greeting
    with pytest.raises(ValueError, match="JSON"):
        greet(float("nan"))


def test_refresh_computes_now_and_peek_computes_nothing(greeting):
    greet, calls = greeting
    assert greet.peek("ann") is None
    assert calls == []
    assert greet("ann")["call"] == 1
    assert greet.refresh("ann")["call"] == 2
    assert greet.peek("ann")["call"] == greet("ann")["call"] == 2
    assert len(calls) == 2


@pytest.fixture
def farewell():
    """An async cached function that counts its calls, and fails for the name `nobody`."""
    calls: list[str] = []

    @stale_while_revalidate(key_prefix="farewell", ttl=900, hard_ttl=3600)
    async def part(name: str) -> dict[str, object]:
        await asyncio.sleep(0)
        calls.append(name)
        if name == "nobody":
            raise RuntimeError("nobody there")
        return {"text": f"bye {name}", "call": len(calls)}

    yield part, calls
    registry.remove("farewell")


async def _awaited(coroutine: Coroutine[None, None, None]) -> None:
    await coroutine


@pytest.mark.parametrize("run", [asyncio.run, async_to_sync(_awaited)])
def test_an_async_function_has_the_same_methods_to_be_awaited(farewell, run):
    part, calls = farewell

    async def story() -> None:
        assert await part.peek("ann") is None
        assert await part("ann") == await part(name="ann") == {"text": "bye ann", "call": 1}
        assert (await part.refresh("ann"))["call"] == 2
        assert (await part.peek("ann"))["call"] == 2
        await part.invalidate("ann")
        assert (await part("ann"))["call"] == 3
        with pytest.raises(RuntimeError, match="nobody there"):
            await part("nobody")
        with pytest.raises(LoaderBackedOff):
            await part("nobody")

    run(story())
    assert calls == ["ann", "ann", "ann", "nobody"]


def test_the_refresh_of_an_async_function_is_json_by_registered_name_and_runs_in_a_worker(farewell, queue):
    part, calls = farewell
    store = registry.get("farewell").store
    now = store.clock()
    store.clock = lambda: now - 901_000
    async_to_sync(part)("ann")
    store.clock = lambda: now

    # When its answer is stale
    assert async_to_sync(part)("ann")["call"] == 1

    # Then a JSON message asks for a refresh, and the worker that runs it needs no event loop
    (message,) = queue.messages()
    namespace, ((id, token),), generation = message.args
    assert (message.task, namespace, id) == ("caching.tasks.refresh", "farewell", '[["ann"],{}]')
    assert (token[0], generation) == ("b", 0)
    queue.run()
    assert async_to_sync(part)("ann")["call"] == 2
    assert calls == ["ann", "ann"]


USE = """
from caching import stale_while_revalidate

@stale_while_revalidate(key_prefix="typed", ttl=1)
def add(a: int, b: int = 1) -> list[int]: return [a, b]

@stale_while_revalidate(key_prefix="typed_async", ttl=1)
async def later(a: int) -> dict[str, int]: return {"a": a}

async def main() -> None:
    reveal_type(add(1, b=2))
    reveal_type(add.refresh(1))
    reveal_type(add.peek(1))
    reveal_type(await later(1))
    reveal_type(await later.peek(1))
    add("one")
    add.invalidate(c=1)
    await later()
"""


@pytest.mark.slow
def test_a_type_checker_knows_parameters_and_answer(tmp_path: Path):
    root = Path(__file__).resolve().parents[3]
    (tmp_path / "use.py").write_text(USE)
    options = ["--cache-dir", str(tmp_path / "cache"), "--follow-imports=silent", "--show-error-codes"]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(tmp_path / "use.py")],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line.split("use.py:")[1] for line in checked.stdout.splitlines() if "use.py:" in line]
    revealed = [line.split('"')[1].replace("builtins.", "") for line in said if "Revealed" in line]
    assert revealed == ["list[int]", "list[int]", "list[int] | None", "dict[str, int]", "dict[str, int] | None"], said
    errors = [line.split("[")[-1].rstrip("]") for line in said if ": error:" in line]
    assert errors[0] == "arg-type"
    assert set(errors[1:]) == {"call-arg"}, said
    assert len(errors) >= 3, said
