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
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from config.embedded_postgres import keeper
from config.embedded_postgres.place import Account, account_for, programs


PORT: Final = 5432
# No superuser, who could switch off the triggers that keep history append-only.
ROLE: Final = "bulkhead"

_SECONDS_TO_START: Final = 60
# A socket's name is short by nature, and libpq reads some characters as its own.
_LONGEST_SOCKET_FOLDER: Final = 88
_PLAIN_PATH: Final = re.compile(rb"[\w/. ~+@=-]+")
_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_CREATE_ROLE: Final = f"""
CREATE ROLE {ROLE} LOGIN CREATEDB;
CREATE DATABASE {ROLE} OWNER {ROLE};
"""
# This machine's, in MiB.
_MEMORY: Final = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
_SETTINGS: Final = {
    "listen_addresses": "",
    # The server works in the folder of its data, which only its user may enter.
    "unix_socket_directories": ".",
    "port": PORT,
    "max_connections": 100,
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What a change of 10,000 among a million tasks touches; memory is taken only as it is used.
    "shared_buffers": f"{min(1024, _MEMORY // 4)}MB",
    "effective_cache_size": f"{_MEMORY // 2}MB",
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
    # What it saw between two tests would be statistics of tables without a row.
    "autovacuum": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class ClusterUnavailable(psycopg.OperationalError):
    """The embedded PostgreSQL cannot be used."""


class Cluster:
    """The cluster in one folder, as this process sees it."""

    def __init__(self, *, path: Path, durable: bool) -> None:
        self._folder = path
        self._data = path / "data"
        self._durable = durable
        self._users_lock: int | None = None

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
            ImproperlyConfigured: It belongs to somebody else, or there are no programs to run it.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        account_for(folder=self._folder)  # refuses somebody else's
        self._become_user()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._answers():
            if (lock := self._try_lock("server")) is not None:
                try:
                    self._launch_server(lock)
                finally:
                    os.close(lock)
            elif time.monotonic() > deadline:
                raise ClusterUnavailable(f"PostgreSQL in {self._data} does not answer.")
            else:
                time.sleep(0.02)
        self._launch_keeper()

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the server's socket, under a name that fits an address."""
        name = os.fsencode(self._data)
        if len(name) <= _LONGEST_SOCKET_FOLDER and _PLAIN_PATH.fullmatch(name):
            return self._data
        return Path("/tmp", f"bulkhead-{os.geteuid()}-{hashlib.sha256(name).hexdigest()[:16]}")  # noqa: S108

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
            pid_file = (self._data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return ""
        return " ".join(pid_file.splitlines()[:3])

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(programs(account=self._account) / name)

    @property
    def _account(self) -> Account:
        return account_for(folder=self._folder)

    def _address(self) -> str:
        return make_conninfo(host=str(self.socket_folder), port=PORT, user=ROLE)

    def _answers(self) -> bool:
        self._link_socket_folder()
        address = make_conninfo(self._address(), dbname=ROLE, connect_timeout=2)
        return PGconn.ping(address.encode()) == Ping.OK

    def _link_socket_folder(self) -> None:
        link = self.socket_folder
        if link == self._data:
            return
        with suppress(FileExistsError):
            link.symlink_to(self._data)
        if link.lstat().st_uid != os.geteuid() or link.readlink() != self._data:
            raise ClusterUnavailable(f"{link} should be ours, and lead to {self._data}.")

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

    def _launch_server(self, lock: int) -> None:
        if not self._data.is_dir():
            self._initialise(lock)
        # Before the server: whoever starts one may die of it, and the keeper will still stop it.
        self._launch_keeper()
        # The lock was free, so nothing works on the data: these are left by a server that died.
        for name in ("postmaster.pid", f".s.PGSQL.{PORT}.lock"):
            (self._data / name).unlink(missing_ok=True)
        settings = {**_SETTINGS, **({} if self._durable else _SETTINGS_OF_A_THROWAWAY)}
        options = shlex.join(f"--{name}={value}" for name, value in settings.items())
        wait = ("-t", str(_SECONDS_TO_START))
        self._run("pg_ctl", "start", *wait, "-l", "server.log", "-o", options, lock=lock)

    def _launch_keeper(self) -> None:
        if (lock := self._try_lock("keeper")) is None:
            return
        locks = (lock, self._open_lock("users"), self._open_lock("server"))
        numbers = map(str, (*self._account, *locks))
        stop = (self.program("pg_ctl"), "stop", "-D", ".", "-m", "fast")
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", keeper.__file__, *numbers, *stop],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
                cwd=self._data,
                env=_ENVIRONMENT,
                pass_fds=locks,
                start_new_session=True,
            )
        finally:
            for descriptor in locks:
                os.close(descriptor)

    def _initialise(self, lock: int) -> None:
        """Make the data, under another name first: what is interrupted is begun again."""
        new = self._folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        os.chown(new, *self._account)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        access = ("--username=postgres", "--auth=trust")
        sync = () if self._durable else ("--no-sync",)
        self._run("initdb", "--encoding=UTF8", *locale, *access, *sync, lock=lock, cwd=new)
        self._run("postgres", "--single", "postgres", lock=lock, cwd=new, stdin=_CREATE_ROLE)
        new.rename(self._data)

    def _run(
        self, program: str, *arguments: str, lock: int, cwd: Path | None = None, stdin: str = ""
    ) -> None:
        """Run a program on the data in its working folder, as the account of the cluster."""
        account = self._account
        identity: dict[str, Any] = {}
        environment = {**_ENVIRONMENT, "PGDATA": "."}
        if os.geteuid() == 0:
            identity = {"user": account.uid, "group": account.gid, "extra_groups": ()}
            # The account may not search the folders above: this name goes without them.
            environment["PGDATA"] = "/proc/self/cwd"
        result = subprocess.run(
            [programs(account=account) / program, *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd or self._data,
            env=environment,
            umask=0o077,
            pass_fds=(lock,),
            **identity,
        )
        if result.returncode:
            raise ClusterUnavailable(
                f"{program} failed; {self._data}/server.log may say more.\n{result.stdout.strip()}"
            )
