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
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from config.embedded_postgres import keeper
from config.embedded_postgres.place import Account, account_for, binaries, make_folder


PORT: Final = 5432
# No superuser, who could switch off the triggers that keep history append-only.
ROLE: Final = "bulkhead"

_SECONDS_TO_START: Final = 60
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
        self._durable = durable
        self._users_lock: int | None = None

    @property
    def folder(self) -> Path:
        """Return where the cluster really is."""
        return self._path.resolve()

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the server's socket; who may enter it may use the server."""
        folder = self.folder
        data = str(folder / "data")
        if len(data) <= 80 and re.fullmatch(r"[\w/. ~+@=-]+", data, re.ASCII):
            return Path(data)
        # Sockets cannot have long names, and a list of folders none with a comma.
        # Not TMPDIR: all processes must find the same folder.
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return Path("/tmp", f"bulkhead-{account_for(folder=folder).uid}-{name}")  # noqa: S108

    def ensure(self) -> None:
        """Have the server running, and keep it so for as long as this process lives.

        Raises:
            ClusterUnavailable: It does not start.
        """
        if not (self._is_user() and self._is_locked("server")):
            self.start()

    def start(self) -> None:
        """Start the server unless it answers, and its keeper unless there is one.

        Raises:
            ClusterUnavailable: It does not start.
        """
        make_folder(path=self._path)
        self._become_user()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self.answers():
            if (lock := self._try_lock("server")) is not None:
                self._launch(lock)
            elif time.monotonic() > deadline:
                raise ClusterUnavailable(f"PostgreSQL in {self.folder} does not answer.")
            else:
                time.sleep(0.02)
        if (lock := self._try_lock("keeper")) is not None:
            self._launch_keeper(lock)

    def answers(self) -> bool:
        """Say whether the server accepts connections."""
        address = make_conninfo(
            host=str(self.socket_folder), port=PORT, user=ROLE, dbname=ROLE, connect_timeout=2
        )
        return PGconn.ping(address.encode()) == Ping.OK

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(binaries(account=account_for(folder=self.folder)) / name)

    def _open_lock(self, name: str) -> int:
        return os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

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
        """Say whether this process holds the lock on the file of today: someone may remove var/."""
        try:
            return self._users_lock is not None and os.path.samestat(
                os.fstat(self._users_lock), (self.folder / "users.lock").stat()
            )
        except OSError:
            return False

    def _become_user(self) -> None:
        if not self._is_user():
            lock = self._open_lock("users")
            # Waits while the keeper stops the server. Never closed: forked children share it, and
            # programs they start do not get it.
            fcntl.flock(lock, fcntl.LOCK_SH)
            self._users_lock = lock

    def _launch(self, lock: int) -> None:
        try:
            if not (self.folder / "data").is_dir():
                self._initialise(lock)
            self._make_socket_folder()
            # Nothing runs on the data, or the lock would be held: these are of a server that died.
            (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
            options = {**_SETTINGS, "unix_socket_directories": self.socket_folder}
            options |= {} if self._durable else _SETTINGS_OF_A_THROWAWAY
            words = shlex.join(f"--{name}={value}" for name, value in options.items())
            start = ("start", "-D", "data", "-l", "data/server.log", "-t", str(_SECONDS_TO_START))
            self._run("pg_ctl", *start, "-o", words, lock=lock)
        finally:
            os.close(lock)

    def _initialise(self, lock: int) -> None:
        """Make the data under another name first, so that an interruption leaves none by halves."""
        new = self.folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give_away(new)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        sync = () if self._durable else ("--no-sync",)
        common = ("--username=postgres", "--auth=trust", "--encoding=UTF8", *locale, *sync)
        self._run("initdb", "-D", "new", *common, lock=lock)
        self._run("postgres", "--single", "-D", "new", "postgres", lock=lock, stdin=_CREATE_ROLE)
        new.rename(self.folder / "data")

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self._give_away(folder)
        status = folder.lstat()
        account = account_for(folder=self.folder)
        if folder.is_symlink() or status.st_uid != account.uid or status.st_mode & 0o077:
            raise ClusterUnavailable(f"{folder} is not a folder that only its owner may enter.")

    def _give_away(self, folder: Path) -> None:
        os.chown(folder, *account_for(folder=self.folder))

    def _run(self, program: str, *arguments: str, lock: int, stdin: str = "") -> None:
        account = account_for(folder=self.folder)
        result = subprocess.run(
            [binaries(account=account) / program, *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.folder,
            env=_ENVIRONMENT,
            umask=0o077,
            pass_fds=(lock,),
            **_identity(account),
        )
        if result.returncode:
            raise ClusterUnavailable(f"{program} in {self.folder} failed: {result.stdout.strip()}")

    def _launch_keeper(self, lock: int) -> None:
        locks = (lock, self._open_lock("users"), self._open_lock("server"))
        account = account_for(folder=self.folder)
        stop = (self.program("pg_ctl"), "stop", "-D", "data", "-m", "fast")
        numbers = map(str, (*account, *locks))
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", keeper.__file__, *numbers, *stop],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
                cwd=self.folder,
                env=_ENVIRONMENT,
                pass_fds=locks,
                start_new_session=True,
            )
        finally:
            for descriptor in locks:
                os.close(descriptor)


def _identity(account: Account) -> dict[str, object]:
    if os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": ()}
