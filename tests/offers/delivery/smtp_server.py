"""A mail server for tests: it records mail, refuses the recipients it is set to, and can answer bit by bit."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple


class Mail(NamedTuple):
    """A message as it arrived: envelope and content."""

    sender: str
    recipients: list[str]
    message: EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a port of the loopback address."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[Mail] = []
        self.connections = 0
        self.refused: dict[str, bytes] = {}
        # A verb, a recipient, or "greeting", whose answer never ends.
        self.drips_at = ""

    def handle_error(self, *_: object) -> None:
        """Do not log clients that closed the connection."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        self._drip_at("greeting")
        self._say(b"220 test")
        sender, recipients = "", []
        for line in self.rfile:
            verb, _, rest = line.strip().decode().partition(" ")
            address = rest.partition("<")[2].partition(">")[0]
            self._drip_at(verb.upper(), address)
            match verb.upper():
                case "MAIL":
                    sender, recipients = address, []
                    self._say(b"250 ok")
                case "RCPT" if address in self.server.refused:
                    self._say(self.server.refused[address])
                case "RCPT":
                    recipients.append(address)
                    self._say(b"250 ok")
                case "DATA":
                    self._say(b"354 go on")
                    self.server.mails.append(Mail(sender, recipients, self._message()))
                    self._say(b"250 ok")
                case "QUIT":
                    self._say(b"221 bye")
                    return
                case _:
                    self._say(b"250 ok")

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return message_from_bytes(b"".join(lines), policy=policy.default)  # type: ignore[return-value]

    def _drip_at(self, *words: str) -> None:
        if self.server.drips_at in words and self.server.drips_at:
            with suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b"2")
                    time.sleep(0.05)

    def _say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server while the context lasts."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()
