"""Every route of the site; each is declared with its slash, which `OptionalSlash` makes optional."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from marketplace.api.fallbacks import unknown_route

# Routes are tried in order, so those with the most requests come first.
_version_1 = [
    path("", include("products.api.urls")),
    path("", include("offers.api.urls")),
    path("", include("marketplace.accounts.api.urls")),
    path("", include("marketplace.ops.api.urls")),
]

urlpatterns = [
    path("api/v1/", include(_version_1)),
    path("", include("marketplace.ops.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("admin/", admin.site.urls),
    # A route for unknown paths, because Django's own page for them is HTML while DEBUG is on.
    re_path(r"^(?!admin/)", unknown_route, name="unknown"),
]

handler400 = "marketplace.api.fallbacks.bad_request"
handler403 = "marketplace.api.fallbacks.permission_denied"
handler404 = "marketplace.api.fallbacks.not_found"
handler500 = "marketplace.api.fallbacks.server_error"
