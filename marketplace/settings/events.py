"""Notifications of offers: reminders, expiries, and the backend that delivers them."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.env import IS_PRODUCTION, env, number

# How long before the end of an offer its reminder is due, in seconds; 0 sends none.
OFFER_REMINDER_SECONDS: int = number("OFFER_REMINDER_SECONDS", 3600, least=0)

OFFER_EVENTS_BACKEND: str = env.str("OFFER_EVENTS_BACKEND", default="none" if IS_PRODUCTION else "console")
if OFFER_EVENTS_BACKEND not in {"console", "webhook", "email", "none"}:
    raise ImproperlyConfigured(
        f"OFFER_EVENTS_BACKEND is {OFFER_EVENTS_BACKEND!r}; set it to console, webhook, email or none."
    )

# Attempts after which an event is given up; 12 of them, with the delays in between, take about three and a half hours.
OFFER_EVENT_ATTEMPTS: int = number("OFFER_EVENT_ATTEMPTS", 12, least=1, most=1000)

OFFER_WEBHOOK_URL: str = env.str("OFFER_WEBHOOK_URL", default="")
OFFER_WEBHOOK_SECRET: str = env.str("OFFER_WEBHOOK_SECRET", default="")

OFFER_EMAIL_FROM: str = env.str("OFFER_EMAIL_FROM", default="")
_EMAIL_URL: str = env.str("EMAIL_URL", default="")
try:
    _email = env.email_url_config(_EMAIL_URL or "consolemail://")
except ImproperlyConfigured as error:
    raise ImproperlyConfigured("EMAIL_URL cannot be read; set it to smtp+tls://user:password@host:587") from error
# Django's own backend never times out on a server that answers bit by bit.
_BACKENDS = {"django.core.mail.backends.smtp.EmailBackend": "offers.delivery.smtp.Smtp"}
EMAIL_BACKEND: str = _BACKENDS.get(_email["EMAIL_BACKEND"], _email["EMAIL_BACKEND"])
EMAIL_HOST: str = _email["EMAIL_HOST"] or "localhost"
EMAIL_PORT: int = _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER: str = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD: str = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS: bool = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _email.get("EMAIL_USE_SSL", False)
# A server that hangs must not hold the worker.
EMAIL_TIMEOUT = 5


def _refuse_webhook() -> str:
    url = urlsplit(OFFER_WEBHOOK_URL)
    schemes = ("https",) if IS_PRODUCTION else ("https", "http")
    # Messages do not repeat the values: a path can hold a token, and the secret is one.
    if url.scheme not in schemes or not url.hostname or url.username or url.password:
        return f"OFFER_WEBHOOK_URL to the receiver's address, {' or '.join(schemes)}://, without a password in it."
    try:
        key = base64.b64decode(OFFER_WEBHOOK_SECRET.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not OFFER_WEBHOOK_SECRET.startswith("whsec_") or not 24 <= len(key) <= 64:
        return "OFFER_WEBHOOK_SECRET to whsec_ and 24 to 64 random bytes in base64: whsec_$(openssl rand -base64 32)"
    return ""


def _refuse_email() -> str:
    if "@" not in OFFER_EMAIL_FROM or "\n" in OFFER_EMAIL_FROM:
        return "OFFER_EMAIL_FROM to the sender's address, for example Marketplace <offers@market.example.com>"
    if IS_PRODUCTION and not _EMAIL_URL:
        return "EMAIL_URL to the mail server, for example smtp+tls://user:password@mail.example.com:587"
    return ""


_refusals = {"webhook": _refuse_webhook, "email": _refuse_email}
if _missing := _refusals.get(OFFER_EVENTS_BACKEND, str)():
    raise ImproperlyConfigured(f"OFFER_EVENTS_BACKEND is {OFFER_EVENTS_BACKEND}: set {_missing}")
