from __future__ import annotations

import random

import pytest

from caching.entries.codec import TrainedDictionary
from caching.entries.dictionaries import number_of
from caching.entries.training import train
from caching.errors import CannotTrain
from tests.caching.packing import body

BODIES = [body(number) for number in range(1000)]


def test_a_dictionary_saves_most_of_bodies_it_has_not_seen():
    trained = train("things", BODIES, 4096)
    assert trained.is_worth_it
    assert (trained.samples, trained.tried) == (800, 200)
    assert trained.raw.bytes == sum(map(len, BODIES[::5]))
    assert trained.packed.bytes < 0.5 * trained.raw.bytes
    assert trained.packed.bytes < 0.6 * trained.plain.bytes
    # Bodies as small as these are not packed without a dictionary
    assert trained.present.bytes == trained.raw.bytes
    assert trained.packed.unpack_us > 0 < trained.packed.pack_us


def test_one_that_is_no_better_than_the_present_one_is_not_worth_it():
    first = train("things", BODIES, 4096)
    present = TrainedDictionary(number_of("things", first.data), first.data)
    assert not train("things", BODIES, 4096, present).is_worth_it


def test_one_for_noise_is_not_worth_it():
    noise = random.Random(0)
    assert not train("things", [noise.randbytes(300) for _ in range(500)], 1024).is_worth_it


@pytest.mark.parametrize(
    ("bodies", "complaint"),
    [([], "0 bodies are too few"), (BODIES[:99], "99 bodies are too few"), ([b""] * 200, "teach nothing")],
)
def test_what_teaches_nothing_is_refused(bodies, complaint):
    with pytest.raises(CannotTrain, match=complaint):
        train("things", bodies, 4096)
