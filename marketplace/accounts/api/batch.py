"""Many public users in one request, out of the cache."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view

from caching.http import CachedBatch, ids_serializer
from marketplace.accounts.api.serializers import PublicUserSerializer
from marketplace.accounts.cache import users


@extend_schema_view(
    create=extend_schema(
        operation_id="batch_users",
        description="Return users in the order asked for: each id once, unknown and inactive ones left out.",
        request=ids_serializer("user_ids"),
        responses={200: PublicUserSerializer(many=True)},
    )
)
class UserBatch(CachedBatch):
    """Answers users by id: joined bytes of their cache entries, never parsed."""

    resource = users
    ids_field = "user_ids"
