from __future__ import annotations

import pytest

from caching import source as sources
from caching.decorators import stale_while_revalidate

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
    sources._sources.pop("greeting")


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
    now = sources.registered("greeting").store.clock()
    sources.registered("greeting").store.clock = lambda: now - 901_000
    greet("ann")
    sources.registered("greeting").store.clock = lambda: now

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
    with pytest.raises(ValueError, match="registered twice"):
        stale_while_revalidate(key_prefix="greeting", ttl=1)(lambda: 1)


def test_a_call_is_the_same_however_its_arguments_are_passed(greeting):
    greet, calls = greeting
    assert greet("ann") == greet(name="ann") == greet("ann", 1) == greet("ann", times=1)
    greet.invalidate(times=1, name="ann")
    assert greet("ann")["call"] == 2
    assert len(calls) == 2


def test_a_number_that_json_has_not_is_refused(greeting):
    greet, _ = greeting
    with pytest.raises(ValueError, match="JSON"):
        greet(float("nan"))
