"""Superseded dictionaries are deleted once no entry can need them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from caching.entries import dictionaries
from caching.models import Dictionary
from caching.upkeep.old_dictionaries import forget_old
from tests.caching.packing import data

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def keep(namespace="things", size=2048):
    return dictionaries.keep(namespace, data(size), 400, 10_000, 3_000)


def aged(stored, age):
    Dictionary.objects.filter(pk=stored.pk).update(created_at=timezone.now() - age)


def test_old_ones_are_kept_until_no_entry_can_need_them(things):
    # Given three that followed each other: entries of `things` live for an hour
    first, second, third = keep(size=1024), keep(size=1500), keep(size=2048)
    aged(first, 30 * DAY)
    aged(second, DAY + timedelta(minutes=59))
    # The second came less than an hour and a day ago, so entries of the first may exist
    assert forget_old() == 0
    aged(second, DAY + timedelta(minutes=61))
    assert forget_old() == 1
    assert set(Dictionary.objects.values_list("pk", flat=True)) == {second.pk, third.pk}
    # However old, the current one stays, and so do those of a namespace that this process does not know
    aged(third, 900 * DAY)
    aged(second, 901 * DAY)
    Dictionary.objects.update(namespace="unheard_of")
    assert forget_old() == 0
