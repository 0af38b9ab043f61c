"""Django's SMTP backend with access to its socket from the first byte on, so that a timeout can shut it down."""

from __future__ import annotations

import smtplib
import socket
from typing import Any

from django.core.mail.backends.smtp import EmailBackend


class Smtp(EmailBackend):
    """A mail backend whose socket is known while it still waits for the server's greeting."""

    _session: smtplib.SMTP | None = None

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """A session class whose instance the backend stores first: its constructor connects and awaits the greeting."""
        backend = self

        class Session(super().connection_class):  # type: ignore[misc]
            def __init__(self, *args: Any, **options: Any) -> None:
                backend._session = self
                super().__init__(*args, **options)

        return Session

    @property
    def sock(self) -> socket.socket | None:
        """The socket of the last session, if it has one."""
        return self._session.sock if self._session else None
