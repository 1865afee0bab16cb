"""A PostgreSQL cluster in a folder: made when first needed, running for as long as it is used.

Three lock files in the folder say who is there. The kernel drops a lock however its holder ends,
so what they say is always true:

* `users.lock` is shared by all processes that use the server, each for life.
* `server.lock` is held by what works on the data: initdb or the server, which inherit it.
* `keeper.lock` is held by the keeper, which waits to have `users.lock` alone and stops the server.

No process id is trusted: after a crash, `postmaster.pid` may name an innocent process.
"""

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from config.embedded_postgres import keeper
from config.embedded_postgres.place import Account, account_for, binaries, make_folder


PORT: Final = 5432
# No superuser, who could switch off the triggers that keep history append-only.
ROLE: Final = "bulkhead"

_SECONDS_TO_START: Final = 60
_LONGEST_SOCKET_FOLDER: Final = 88
_PLAIN_PATH: Final = re.compile(r"[\w/. ~+@=-]+", re.ASCII)
_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_CREATE_ROLE: Final = f"""
CREATE ROLE {ROLE} LOGIN CREATEDB;
CREATE DATABASE {ROLE} OWNER {ROLE};
"""
_SETTINGS: Final = {
    "listen_addresses": "",
    "port": PORT,
    "max_connections": 100,
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Sized for a small machine that mostly does something else.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "huge_pages": "off",
    # Statements here are short: compiling them, or workers for them, cost more than they bring.
    "jit": "off",
    "max_parallel_workers_per_gather": 0,
    "random_page_cost": 1.1,
    # A large batch should not be slowed down by a checkpoint of its own making.
    "max_wal_size": "2GB",
    # A statement that failed, or the row it failed on, may contain a secret.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_SETTINGS_OF_A_THROWAWAY: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class ClusterUnavailable(psycopg.OperationalError):
    """The embedded PostgreSQL cannot be used."""


class Cluster:
    """The cluster in one folder, as this process sees it."""

    def __init__(self, *, path: Path, durable: bool) -> None:
        self._path = path
        self._folder = path  # until start() finds where it really is
        self._durable = durable
        self._users_lock: int | None = None

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the server's socket; who may enter it may use the server."""
        data = self._folder / "data"
        # A socket's name is short by nature, and PostgreSQL reads some characters as its own.
        if len(os.fsencode(data)) < _LONGEST_SOCKET_FOLDER and _PLAIN_PATH.fullmatch(str(data)):
            return data
        name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
        # Not TMPDIR: all processes must find the same folder.
        return Path("/tmp", f"bulkhead-{self._account.uid}-{name}")  # noqa: S108

    def ensure(self) -> None:
        """Have the server running, and keep it so for as long as this process lives.

        Raises:
            ClusterUnavailable: It does not start.
        """
        # A few microseconds, since every connection comes by here.
        if not (self._is_user() and self._is_locked("server") and self._is_locked("keeper")):
            self.start()

    def start(self) -> None:
        """Return as soon as the server answers, started here if need be.

        Raises:
            ClusterUnavailable: It does not start.
        """
        self._folder = make_folder(path=self._path)
        self._make_socket_folder()
        self._become_user()
        # Before the server: whoever starts one may die of it, and the keeper will still stop it.
        if (lock := self._try_lock("keeper")) is not None:
            self._launch_keeper(lock)
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._answers():
            if (lock := self._try_lock("server")) is not None:
                self._launch_server(lock)
            elif time.monotonic() > deadline:
                raise ClusterUnavailable(f"PostgreSQL in {self._folder} does not answer.")
            else:
                time.sleep(0.02)

    def conninfo(self) -> str:
        """Return the server's address, as soon as it answers there.

        Raises:
            ClusterUnavailable: It does not start.
        """
        self.start()
        return self._address()

    def server(self) -> str:
        """Return what tells the running server from its predecessors: its process and start."""
        try:
            pid_file = (self._folder / "data" / "postmaster.pid").read_text()
        except FileNotFoundError:
            return ""
        return " ".join(pid_file.splitlines()[:3])

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(binaries(account=self._account) / name)

    def _address(self) -> str:
        return make_conninfo(host=str(self.socket_folder), port=PORT, user=ROLE)

    def _answers(self) -> bool:
        address = make_conninfo(self._address(), dbname=ROLE, connect_timeout=2)
        return PGconn.ping(address.encode()) == Ping.OK

    @property
    def _account(self) -> Account:
        return account_for(folder=self._folder)

    def _open_lock(self, name: str) -> int:
        return os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def _try_lock(self, name: str, mode: int = fcntl.LOCK_EX) -> int | None:
        lock = self._open_lock(name)
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _is_locked(self, name: str) -> bool:
        if (lock := self._try_lock(name, fcntl.LOCK_SH)) is None:
            return True
        os.close(lock)
        return False

    def _is_user(self) -> bool:
        """Say whether this process shares the lock of the file that is there now."""
        try:
            return self._users_lock is not None and os.path.samestat(
                os.fstat(self._users_lock), (self._folder / "users.lock").stat()
            )
        except OSError:  # the folder was removed
            return False

    def _become_user(self) -> None:
        if self._is_user():
            return
        lock = self._open_lock("users")
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits while the keeper stops the server
        # Never closed. Forked children share it; programs started from here do not get it.
        self._users_lock = lock

    def _make_socket_folder(self) -> None:
        """Make the folder in /tmp, if it must be there, and see that nobody else made it."""
        folder = self.socket_folder
        if folder == self._folder / "data":
            return
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if folder.lstat().st_uid == os.geteuid():
            os.chown(folder, *self._account, follow_symlinks=False)
        status = folder.lstat()
        private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
        if not private or status.st_uid != self._account.uid:
            raise ClusterUnavailable(f"{folder} is in the way: it should be ours alone.")

    def _launch_keeper(self, lock: int) -> None:
        locks = (lock, self._open_lock("users"), self._open_lock("server"))
        numbers = map(str, (*self._account, *locks))
        stop = (self.program("pg_ctl"), "stop", "-D", "data", "-m", "fast")
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", keeper.__file__, *numbers, *stop],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
                cwd=self._folder,
                env=_ENVIRONMENT,
                pass_fds=locks,
                start_new_session=True,
            )
        finally:
            for descriptor in locks:
                os.close(descriptor)

    def _launch_server(self, lock: int) -> None:
        data = self._folder / "data"
        options = {**_SETTINGS, "unix_socket_directories": self.socket_folder}
        options |= {} if self._durable else _SETTINGS_OF_A_THROWAWAY
        words = shlex.join(f"--{name}={value}" for name, value in options.items())
        try:
            if not data.is_dir():
                self._initialise(lock)
            # The lock was free, so nothing works on the data: these are left by a server that died.
            (data / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
            start = ("start", "-D", "data", "-l", "data/server.log", "-t", str(_SECONDS_TO_START))
            self._run("pg_ctl", *start, "-o", words, lock=lock)
        finally:
            os.close(lock)

    def _initialise(self, lock: int) -> None:
        """Make the data, under another name first: what is interrupted is begun again."""
        new = self._folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        os.chown(new, *self._account)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        access = ("--username=postgres", "--auth=trust")
        sync = () if self._durable else ("--no-sync",)
        self._run("initdb", "-D", "new", "--encoding=UTF8", *locale, *access, *sync, lock=lock)
        self._run("postgres", "--single", "-D", "new", "postgres", lock=lock, stdin=_CREATE_ROLE)
        new.rename(self._folder / "data")

    def _run(self, program: str, *arguments: str, lock: int, stdin: str = "") -> None:
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            identity = {"user": self._account.uid, "group": self._account.gid, "extra_groups": ()}
        result = subprocess.run(
            [self.program(program), *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self._folder,
            env=_ENVIRONMENT,
            umask=0o077,
            pass_fds=(lock,),
            **identity,
        )
        if result.returncode:
            raise ClusterUnavailable(f"{program} in {self._folder} failed: {result.stdout.strip()}")
