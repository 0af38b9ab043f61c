"""The signed selection that the confirmation form carries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from offers.admin import read_only
from offers.admin.selection import Selection
from tests.offers.admin.staff_client import ACT, LIST, messages_of


def test_a_selection_of_the_most_rows_fits_into_a_form(settings: Any) -> None:
    now = timezone.now()
    ends = {10**15 + n: now + timedelta(microseconds=n * 15_485_863) for n in range(read_only.MAX_ROWS)}
    selection = Selection("extend", ends)
    assert f"at most {len(ends)} rows" in read_only.TOO_MANY
    assert len(selection.sign()) < settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 4
    assert Selection.read(selection.sign()) == selection


@pytest.mark.django_db
@pytest.mark.parametrize("choice", ["", "rubbish", "WyJkZWNsaW5lIiwgW11d:1tXXXX:forged"])
def test_a_selection_with_a_wrong_signature_does_nothing(editor: Client, choice: str) -> None:
    response = editor.post(ACT, {"choice": choice})
    assert response.url == LIST
    assert messages_of(editor.get(LIST)) == ["That page is no longer valid. Nothing was done: choose the offers again."]
