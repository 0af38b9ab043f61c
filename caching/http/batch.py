"""The batch of a declared resource as a DRF viewset: up to a hundred entries by their ids, in one POST."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from caching.http.hit_lane import HitLane, plain_body
from caching.http.id_list import ids_serializer, plain_ids
from caching.http.responses import json_response
from caching.readthrough.batch import Batch, BatchLookup, complete_many, fetch_many, read_many_once
from caching.readthrough.resource import Resource


class CachedBatch(HitLane, ViewSet):
    """Answers `POST {ids_field: [...]}`: `class ReviewBatch(CachedBatch): resource, ids_field = reviews, "review_ids"`.

    Entries come in the order of their ids; unknown ids are left out, repeated ones answered once. It is a POST that
    only reads, so it is public, and `reads_only` exempts it from the throttle of writes.
    """

    lane_handler = "create"
    resource: ClassVar[Resource]
    ids_field: ClassVar[str] = "ids"
    authentication_classes = ()
    permission_classes = ()
    reads_only = True
    lookup: BatchLookup | None = None

    def join(self, batch: Batch) -> bytes:
        """Return the JSON array of the entries; override it to add data that is not cached, such as live counts."""
        return b"[%b]" % b",".join(batch.bodies.values())

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a batch whose entries are all plain hits."""
        body = plain_body(request) if self.action == "create" else None
        ids = plain_ids(body, self.ids_field) if body is not None else None
        if ids is None:
            return None
        lookup = read_many_once(self.resource, ids)
        batch = lookup.plain_hit()
        if batch is None:
            self.lookup = lookup
            return None
        return self._answer(batch)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the entries in the order of their ids."""
        serializer = ids_serializer(self.ids_field)(data=request.data)
        serializer.is_valid(raise_exception=True)
        if self.lookup is not None:
            return self._answer(complete_many(self.lookup))
        return self._answer(fetch_many(self.resource, serializer.validated_data[self.ids_field]))

    def _answer(self, batch: Batch) -> HttpResponseBase:
        return json_response(self.join(batch), batch.origin)
