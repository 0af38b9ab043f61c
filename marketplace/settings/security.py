"""The secret key, hosts, cookies and transport. In production unsafe values are refused here."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.env import IS_PRODUCTION, env, number, required

# The value in `.env.example`, which production refuses.
SAMPLE_SECRET_KEY = "change-me-to-50-random-characters"  # noqa: S105

SECRET_KEY: str = required("DJANGO_SECRET_KEY", "$(python -c 'import secrets; print(secrets.token_urlsafe(50))')")
DEBUG: bool = env.bool("DJANGO_DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list(
    "DJANGO_ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])


def _refuse(problem: str, remedy: str) -> None:
    raise ImproperlyConfigured(f"{problem} {remedy} (Or set DJANGO_ENV=development on a machine of your own.)")


if IS_PRODUCTION:
    if SECRET_KEY == SAMPLE_SECRET_KEY or len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
        _refuse("DJANGO_SECRET_KEY is the sample or too short.", "Set it to at least 50 random characters.")
    if DEBUG:
        _refuse("DJANGO_DEBUG is on.", "Unset it: error pages would show settings and source.")
    if not ALLOWED_HOSTS or any("*" in host or host.startswith(".") for host in ALLOWED_HOSTS):
        _refuse("DJANGO_ALLOWED_HOSTS is empty or holds a wildcard.", "List the host names, separated by commas.")

SECURE_SSL_REDIRECT: bool = env.bool("DJANGO_SSL_REDIRECT", default=IS_PRODUCTION)
# Probes and scrapes come from inside, by plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^livez/?$", r"^readyz/?$", r"^metrics/?$"]
if env.bool("DJANGO_BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS: int = number("DJANGO_HSTS_SECONDS", 31_536_000 if IS_PRODUCTION else 0, least=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_PRODUCTION
SECURE_HSTS_PRELOAD = IS_PRODUCTION
SESSION_COOKIE_SECURE = IS_PRODUCTION
CSRF_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
