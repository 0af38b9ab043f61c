"""Dictionaries that no entry can need any more."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Min, OuterRef, Subquery
from django.utils import timezone

from caching.models import Dictionary
from caching.readthrough.resource import registry

# For how long after it was superseded, beyond the life of an entry, a dictionary is kept: clocks differ, and processes
# go on packing with it for a minute.
_MARGIN = timedelta(days=1)


def forget_old() -> int:
    """Delete dictionaries that no entry can need any more, and return how many those were.

    That is a day and the hard TTL of the namespace after a newer one came. A namespace that this process does not know
    keeps all of its own.
    """
    newer = Dictionary.objects.filter(namespace=OuterRef("namespace"), created_at__gt=OuterRef("created_at"))
    first_newer = newer.order_by().values("namespace").annotate(first=Min("created_at")).values("first")
    superseded = Dictionary.objects.annotate(superseded_at=Subquery(first_newer))
    deleted = 0
    for namespace in registry.namespaces():
        life = timedelta(seconds=registry.get(namespace).policy.hard_ttl) + _MARGIN
        old = superseded.filter(namespace=namespace, superseded_at__lt=timezone.now() - life)
        deleted += Dictionary.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]
    return deleted
