"""The embedded PostgreSQL, used by real processes that end in every way a process can."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.embedded_postgres import keeper, place
from config.embedded_postgres.cluster import Cluster
from config.embedded_postgres.place import Account, account_for, programs


REPOSITORY = Path(__file__).parents[2]
DATABASE: dict[str, Any] = {
    "ENGINE": "config.embedded_postgres",
    "NAME": "bulkhead",
    "CONN_HEALTH_CHECKS": True,
    "EMBEDDED": {"durable": False},
}
POOLED = {**DATABASE, "OPTIONS": {"pool": {"min_size": 2, "max_size": 4, "timeout": 10}}}

AS_WORKER = {**DATABASE, "AS_WORKER": True}


class Client:
    """Another process that uses the database in `data_dir`."""

    def __init__(self, data_dir: Path, database: dict[str, Any] = DATABASE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.config.query_client", data_dir, json.dumps(database)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, statement: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(statement + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout
        line: str = self.process.stdout.readline()
        return line.strip()

    def ask(self, statement: str) -> str:
        self.say(statement)
        return self.hear()

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        with suppress(BrokenPipeError):
            self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="bulkhead test ")).resolve()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def new_dir() -> Iterator[Path]:
    """A folder without a cluster, which all processes have left when the test is over."""
    with temporary_folder() as path:
        yield path
        eventually(lambda: processes_in(path) == [])


@pytest.fixture(scope="module")
def shared_dir() -> Iterator[Path]:
    """A folder whose cluster is made once."""
    with temporary_folder() as path:
        yield path


@pytest.fixture
def data_dir(shared_dir: Path) -> Iterator[Path]:
    """A folder which all processes have left when the test is over; most likely with a cluster."""
    yield shared_dir
    eventually(lambda: processes_in(shared_dir) == [])


def processes_in(folder: Path) -> list[int]:
    """Return the processes that work in the folder: servers, keepers, and what they have left."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it has ended
            if link.readlink().is_relative_to(folder):
                found.append(int(link.parent.name))
    return found


def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres/data/postmaster.pid").read_text().split()[0])


def kill_postmaster(data_dir: Path) -> None:
    os.kill(postmaster(data_dir), signal.SIGKILL)
    eventually(lambda: len(processes_in(data_dir)) == 1)  # the keeper


@contextmanager
def innocent_process(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's own user that has nothing to do with it."""
    account = account_for(folder=data_dir / "postgres")
    command = ["/bin/sleep", "60"]
    with subprocess.Popen(command, user=account.uid, group=account.gid) as sleep:
        try:
            yield sleep
        finally:
            sleep.kill()


def test_eight_cold_starters_at_one_instant_all_connect(new_dir: Path) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(new_dir)) for _ in range(8)]
        for client in clients:
            client.say("SELECT 'connected'")
        assert [client.hear() for client in clients] == ["connected"] * 8


def test_no_server_is_left_behind_however_its_last_user_ends(data_dir: Path) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with Client(data_dir) as first, Client(data_dir) as last:
            assert [first.ask("SELECT 1"), last.ask("SELECT 1")] == ["1", "1"]
            server = postmaster(data_dir)
            first.end(number)
            time.sleep(0.2)
            assert last.ask("SELECT 2") == "2"
            assert postmaster(data_dir) == server
            last.end(number)
            eventually(lambda: processes_in(data_dir) == [])


@pytest.mark.parametrize("stage", ["new/PG_VERSION", "data", "data/postmaster.pid"])
def test_a_client_killed_while_starting_leaves_nothing_behind(new_dir: Path, stage: str) -> None:
    with Client(new_dir) as unlucky:
        unlucky.say("SELECT 1")
        eventually((new_dir / "postgres" / stage).exists)
        unlucky.end(signal.SIGKILL)
    eventually(lambda: processes_in(new_dir) == [])
    with Client(new_dir) as client:
        assert client.ask("SELECT 'connected'") == "connected"


def test_a_forked_child_keeps_the_server_and_a_started_program_does_not(data_dir: Path) -> None:
    with Client(data_dir) as client:
        assert client.ask("SELECT 1") == "1"
        server = postmaster(data_dir)
        child, program = int(client.ask("fork")), int(client.ask("spawn"))
        client.process.wait()
        time.sleep(0.2)
        assert client.ask("SELECT 2") == "2"
        assert postmaster(data_dir) == server
        os.kill(child, signal.SIGKILL)
        eventually(lambda: processes_in(data_dir) == [])
        os.kill(program, signal.SIGKILL)


@pytest.mark.parametrize(
    "database", [DATABASE, POOLED, AS_WORKER], ids=["plain", "pooled", "as the worker"]
)
def test_the_next_request_after_the_postmaster_was_killed_succeeds(
    data_dir: Path, database: dict[str, Any]
) -> None:
    with Client(data_dir, database) as client:
        for number in range(3):
            assert client.ask(f"SELECT {number}") == str(number)
            kill_postmaster(data_dir)
        assert client.ask("SELECT 'recovered'") == "recovered"


def test_a_stale_process_id_of_an_innocent_process_harms_nobody(data_dir: Path) -> None:
    with Client(data_dir) as client, ExitStack() as stack:
        assert client.ask("SELECT 1") == "1"
        innocent = stack.enter_context(innocent_process(data_dir))
        pid_file = data_dir / "postgres/data/postmaster.pid"
        kill_postmaster(data_dir)
        stale = pid_file.read_text().replace(str(postmaster(data_dir)), str(innocent.pid), 1)
        pid_file.write_text(stale)
        assert client.ask("SELECT 'started'") == "started"
        kill_postmaster(data_dir)
        pid_file.write_text(stale)
        client.end()
        eventually(lambda: processes_in(data_dir) == [])
        assert innocent.poll() is None


def test_a_killed_keeper_is_replaced_at_the_next_connection(data_dir: Path) -> None:
    with Client(data_dir) as client:
        assert client.ask("SELECT 1") == "1"
        (keeper_pid,) = (
            process
            for process in processes_in(data_dir)
            if keeper.__file__.encode() in Path(f"/proc/{process}/cmdline").read_bytes()
        )
        os.kill(keeper_pid, signal.SIGKILL)
        with Client(data_dir) as another:
            assert another.ask("SELECT 2") == "2"


def test_a_long_path_of_odd_characters_will_do(new_dir: Path) -> None:
    folder = new_dir.joinpath('it\'s, "odd" & $HOME; `id` é', *["long" * 30] * 4, "postgres")
    with Client(folder.parent) as client:
        assert client.ask("SELECT 'connected'") == "connected"
    assert (folder / "data/PG_VERSION").exists()
    Cluster(path=folder, durable=False).socket_folder.unlink()


def test_the_role_owns_its_database_and_is_no_superuser(data_dir: Path) -> None:
    with Client(data_dir) as client:
        role = (
            "SELECT rolname || rolsuper || rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert client.ask(role) == "bulkheadfalsetrue"
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'bulkhead'"
        assert client.ask(owner) == "bulkhead"


def test_the_database_shell_starts_the_server(data_dir: Path) -> None:
    with Client(data_dir) as client:
        assert client.ask("shell") == "bulkhead"


def test_two_clusters_run_side_by_side(new_dir: Path) -> None:
    throwaway = {**DATABASE, "EMBEDDED": {"folder": "postgres-test", "durable": False}}
    with Client(new_dir, {**DATABASE, "EMBEDDED": {}}) as run, Client(new_dir, throwaway) as test:
        assert [run.ask("SHOW fsync"), test.ask("SHOW fsync")] == ["on", "off"]
        assert (new_dir / "postgres/data").samefile(f"/proc/{postmaster(new_dir)}/cwd")
    assert (new_dir / "postgres-test/data/PG_VERSION").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must run PostgreSQL as somebody else")
def test_root_runs_it_as_nobody_in_a_folder_that_only_root_can_reach(data_dir: Path) -> None:
    with Client(data_dir) as client:
        assert client.ask("SELECT 'connected'") == "connected"
        owner = Path(f"/proc/{postmaster(data_dir)}").stat().st_uid
        assert owner == pwd.getpwnam("nobody").pw_uid
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_a_cluster_of_somebody_else_is_refused(
    new_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: new_dir.stat().st_uid + 1)
    with pytest.raises(ImproperlyConfigured, match="another user"):
        Cluster(path=new_dir, durable=False).start()


def test_programs_out_of_reach_are_copied(new_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_dir.chmod(0o755)
    nobody = Account(*pwd.getpwnam("nobody")[2:4])
    monkeypatch.setattr(place, "_COPIES", new_dir / "copies")
    package = programs(account=account_for(folder=new_dir)).parents[1]
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, new_dir / "private" / source.name)
    (new_dir / "private").chmod(0o700)
    monkeypatch.syspath_prepend(new_dir / "private")
    initdb = programs(account=nobody) / "initdb"
    assert initdb.is_relative_to(new_dir / "copies")
    user = nobody.uid if os.geteuid() == 0 else None
    subprocess.run([initdb, "--version"], user=user, check=True)
