"""Many public users in one request, out of the cache."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.batch import fetch_many
from caching.http import Origin, json_response
from marketplace.accounts.api.serializers import PublicUserSerializer, UserIdsSerializer
from marketplace.accounts.cache import users


class UserBatchView(APIView):
    """Answers users by id: joined bytes of their cache entries, never parsed."""

    authentication_classes: ClassVar = []
    permission_classes: ClassVar = []
    reads_only = True

    @extend_schema(
        operation_id="batch_users", request=UserIdsSerializer, responses={200: PublicUserSerializer(many=True)}
    )
    def post(self, request: Request) -> HttpResponse:
        """Return users in the order asked for: each id once, unknown and inactive ones left out."""
        serializer = UserIdsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        batch = fetch_many(users, serializer.validated_data["user_ids"])
        body = b"[" + b",".join(batch.bodies.values()) + b"]"
        return json_response(body, Origin(batch.hits, batch.stale, batch.misses))
