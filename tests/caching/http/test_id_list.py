from __future__ import annotations

import pytest
from rest_framework.serializers import ValidationError

from caching.http.id_list import IdListField


def test_integers_and_numeric_strings_are_ids_and_a_repeat_keeps_its_first_place():
    assert IdListField().run_validation([3, "1", 3, "003", 2]) == [3, 1, 2]


def test_ids_that_cannot_exist_are_left_out_and_no_error():
    assert IdListField().run_validation([0, -5, 2**80, "99999999999999999999", 7]) == [7]


@pytest.mark.parametrize("wrong", ["x", "", " 1", "1.0", "٣", 1.5, True, None, [], {}, "9" * 30])
def test_an_item_that_is_no_id_is_named_by_its_index(wrong):
    with pytest.raises(ValidationError) as refused:
        IdListField().run_validation([1, wrong])
    assert list(refused.value.detail) == ["1"]


@pytest.mark.parametrize("wrong", [None, "1,2", {"0": 1}, 7])
def test_a_value_that_is_no_list_is_refused(wrong):
    with pytest.raises(ValidationError):
        IdListField().run_validation(wrong)


def test_a_hundred_ids_are_taken_and_one_more_is_refused():
    assert len(IdListField().run_validation(list(range(1, 101)))) == 100
    with pytest.raises(ValidationError, match="At most 100 ids in one request; 101 were sent"):
        IdListField().run_validation([1] * 101)
