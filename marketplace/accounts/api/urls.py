"""The account routes below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from marketplace.accounts.api import batch, views

urlpatterns = [
    path("auth/register/", views.RegisterView.as_view(), name="auth-register"),
    path("auth/login/", views.LoginView.as_view(), name="auth-login"),
    path("auth/logout/", views.LogoutView.as_view(), name="auth-logout"),
    path("batch/users/", batch.UserBatch.as_view({"post": "create"}), name="batch-users"),
]
