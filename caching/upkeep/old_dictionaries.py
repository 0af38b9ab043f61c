"""Dictionaries that no entry can need any more."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Min, OuterRef, Subquery
from django.utils import timezone

from caching.models import Dictionary
from caching.readthrough.resource import registry

# A superseded dictionary is kept for the life of an entry and this margin, because clocks differ and processes pack
# with it for up to another minute.
_MARGIN = timedelta(days=1)


def forget_old() -> int:
    """Delete dictionaries that no entry can need any more, and return how many.

    A dictionary is needed until the hard TTL of its namespace and a day have passed since a newer one came. Those of
    namespaces that this process does not know are kept.
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
