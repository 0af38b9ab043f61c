"""TCP ports of this machine's loopback address."""

from __future__ import annotations

import errno
import socket

from .errors import StartupError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on at the moment of the call."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether a server could listen on port now; one that this user may not bind raises StartupError."""
    with socket.socket() as probe:
        # Old connections in TIME_WAIT do not hinder a new server, so they do not count here either.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise StartupError(
                    f"port {port} needs more rights than this user has; choose one above 1023"
                ) from error
            return False
    return True


def require_free(port: int) -> None:
    """Raise StartupError when something listens on port."""
    if not is_free(port):
        raise StartupError(f"port {port} is in use; stop what listens there, or choose another: bin/dev --port N")
