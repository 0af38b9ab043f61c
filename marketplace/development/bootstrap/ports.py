"""TCP ports of this machine's loopback address."""

from __future__ import annotations

import errno
import socket

from .errors import StartupError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that is free at the moment of the call."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether a server could listen on port now. Raises StartupError if this user may not bind it."""
    with socket.socket() as probe:
        # Connections in TIME_WAIT do not keep a server from listening, so they must not count here.
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
