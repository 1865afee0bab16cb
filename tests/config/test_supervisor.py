"""The supervisor is watched from outside, in a process of its own: it is about processes."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings


# Each program writes its process's number into a file with its name, keeps that file locked for as
# long as it lives, and then does as it is told.
SUPERVISE = """
import sys
from pathlib import Path
from config.supervisor import Program, run_together
run_together(
    programs=[
        Program(name=name, command=[sys.executable, "-c", code, name], folder=Path.cwd())
        for name, code in zip(sys.argv[2::2], sys.argv[3::2], strict=True)
    ],
    grace=float(sys.argv[1]),
    say=lambda line: print(line, flush=True),
    each_tick=lambda: None,
)
"""
WRITE = """
import fcntl, os, signal, sys, time
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_SH)
print(os.getpid(), file=file, flush=True)
"""
WORKS = WRITE + "time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WORKS
BROKEN = WRITE + "sys.exit(3)"

Supervise = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    started: list[subprocess.Popen[str]] = []

    def start(grace: float = 20, **programs: str) -> subprocess.Popen[str]:
        named = [text for item in programs.items() for text in item]
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(grace), *named],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(settings.BASE_DIR)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        with process:
            pass


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def any_runs(folder: Path) -> bool:
    for program in folder.iterdir():
        with program.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def pids(file: Path, *, count: int) -> list[int]:
    wait_until(lambda: file.exists() and file.read_text().count("\n") >= count)
    return [int(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_all_programs_end_when_asked(
    supervise: Supervise, tmp_path: Path, number: signal.Signals
) -> None:
    supervisor = supervise(web=WORKS, worker=WORKS)
    assert pids(tmp_path / "web", count=1)
    assert pids(tmp_path / "worker", count=1)

    supervisor.send_signal(number)

    assert supervisor.wait(timeout=20) == 0
    assert not any_runs(tmp_path)


def test_a_program_that_dies_is_started_again(supervise: Supervise, tmp_path: Path) -> None:
    supervise(web=WORKS, worker=WORKS)
    (first,) = pids(tmp_path / "worker", count=1)

    os.kill(first, signal.SIGKILL)

    assert pids(tmp_path / "worker", count=2)[1] != first
    assert len(pids(tmp_path / "web", count=1)) == 1


def test_a_program_that_cannot_start_ends_the_others(supervise: Supervise, tmp_path: Path) -> None:
    supervisor = supervise(web=WORKS, worker=BROKEN)
    assert pids(tmp_path / "web", count=1)

    assert supervisor.wait(timeout=20) == 1
    assert "worker could not start: it ended with code 3" in supervisor.communicate()[0]
    assert not any_runs(tmp_path)


def test_programs_end_even_when_the_supervisor_is_killed(
    supervise: Supervise, tmp_path: Path
) -> None:
    supervisor = supervise(web=WORKS, worker=STUBBORN)
    assert pids(tmp_path / "web", count=1)
    assert pids(tmp_path / "worker", count=1)

    supervisor.kill()

    wait_until(lambda: not any_runs(tmp_path))


def test_a_program_that_will_not_end_is_killed_after_its_grace(
    supervise: Supervise, tmp_path: Path
) -> None:
    supervisor = supervise(grace=1, worker=STUBBORN)
    assert pids(tmp_path / "worker", count=1)

    supervisor.terminate()

    assert supervisor.wait(timeout=20) == 0
    wait_until(lambda: not any_runs(tmp_path))


def test_a_second_signal_ends_the_grace(supervise: Supervise, tmp_path: Path) -> None:
    supervisor = supervise(grace=600, worker=STUBBORN)
    assert pids(tmp_path / "worker", count=1)

    supervisor.send_signal(signal.SIGINT)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline().startswith("Stopping")
    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(timeout=20) == 0
    wait_until(lambda: not any_runs(tmp_path))
