"""A certificate for the loopback address, for TLS servers in tests."""

from __future__ import annotations

import shutil
import socketserver
import ssl
import subprocess
from pathlib import Path

import pytest


def serve_tls(server: socketserver.TCPServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a socket server use TLS, and this process trust its certificate."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl on this machine")
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
