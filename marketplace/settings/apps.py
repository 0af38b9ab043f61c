"""Installed apps, middleware, templates, URLs and internationalisation."""

from __future__ import annotations

from marketplace.settings.env import BASE_DIR, ENVIRONMENT, IS_PRODUCTION

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "caching",
    "marketplace.accounts",
    "marketplace.ops",
    "products",
    "offers",
]

# Only the admin needs sessions and messages: the `Admin` subclasses skip them on every other request.
MIDDLEWARE = [
    "marketplace.ops.middleware.RequestMetrics",
    "marketplace.middleware.OptionalSlash",
    "marketplace.middleware.HostAndLength",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketplace.middleware.AdminSession",
    "django.middleware.csrf.CsrfViewMiddleware",
    "marketplace.middleware.AdminAuthentication",
    "marketplace.middleware.AdminMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "marketplace.middleware.Problems",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "marketplace" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# The image collects static files when it is built; elsewhere they are served from the apps' own directories.
STATIC_ROOT = BASE_DIR / "staticfiles" if IS_PRODUCTION else None
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
# In tests, each client builds the middleware anew, which would otherwise scan all static files.
WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test"
