"""Many public users in one request, out of the cache."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.http.hit_lane import HitLane, plain_body
from caching.http.id_list import plain_ids
from caching.http.responses import Origin, json_response
from caching.readthrough.batch import Batch, LookMany, fetch_many, look_many, settle_many
from marketplace.accounts.api.serializers import PublicUserSerializer, UserIdsSerializer
from marketplace.accounts.cache import users


class UserBatchView(HitLane, APIView):
    """Answers users by id: joined bytes of their cache entries, never parsed."""

    authentication_classes: ClassVar = []
    permission_classes: ClassVar = []
    reads_only = True
    allow = "POST, OPTIONS"
    looked: LookMany | None = None

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponse | None:
        """Answer a batch whose users are all plain hits."""
        body = plain_body(request)
        ids = plain_ids(body, "user_ids") if body is not None else None
        if ids is None:
            return None
        self.looked = look_many(users, ids)
        batch = self.looked.plain_hits()
        return _answer(batch) if batch is not None else None

    @extend_schema(
        operation_id="batch_users", request=UserIdsSerializer, responses={200: PublicUserSerializer(many=True)}
    )
    def post(self, request: Request) -> HttpResponse:
        """Return users in the order asked for: each id once, unknown and inactive ones left out."""
        serializer = UserIdsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if self.looked is not None:
            return _answer(settle_many(self.looked))
        return _answer(fetch_many(users, serializer.validated_data["user_ids"]))


def _answer(batch: Batch) -> HttpResponse:
    return json_response(b"[%b]" % b",".join(batch.bodies.values()), Origin(batch.hits, batch.stale, batch.misses))
