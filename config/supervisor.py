"""Runs several programs as one: together they start, and together they end.

A program that dies is started again. However this process ends, even by `kill -9`, the programs
end too: they share a process group with a guard, which waits on a pipe for the end of this process.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


_TICK = 0.2
# Ending by itself this soon after the first start is a mistake in the set-up, not an accident.
_FIRST_RUN = 10.0
_LONGEST_PAUSE = 30.0
# Without this process nobody waits for the programs, so they are not given long.
_ORPHAN_GRACE = 5.0
_GUARD = """
import os, signal, sys, time
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
sys.stdin.buffer.read()
os.killpg(0, signal.SIGTERM)
time.sleep(float(sys.argv[1]))
os.killpg(0, signal.SIGKILL)
"""


class CouldNotStart(Exception):
    """A program ended by itself soon after its first start."""


class GuardLost(Exception):
    """The guard died, so nothing would end the programs if this process were killed."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and the name to call it by."""

    name: str
    command: Sequence[str]
    folder: Path


class _Child:
    """One program and its present process, or the time when it starts again."""

    def __init__(self, *, program: Program, group: int, say: Callable[[str], None]) -> None:
        self._program = program
        self._group = group
        self._say = say
        self._runs = 0
        self._pause = 0.0
        self._start_at = 0.0
        self._start()

    def look_after(self) -> None:
        """Start the program again when it has died; pause for longer if it keeps dying.

        Raises:
            CouldNotStart: It ended by itself soon after its first start.
        """
        if self.process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif (code := self.process.poll()) is not None:
            self._mourn(code)

    def _start(self) -> None:
        self.process: subprocess.Popen[bytes] | None = subprocess.Popen(
            self._program.command,
            cwd=self._program.folder,
            stdin=subprocess.DEVNULL,
            process_group=self._group,
        )
        self._runs += 1
        self._started_at = time.monotonic()

    def _mourn(self, code: int) -> None:
        name = self._program.name
        now = time.monotonic()
        lived = now - self._started_at
        if self._runs == 1 and code > 0 and lived < _FIRST_RUN:
            raise CouldNotStart(f"{name} could not start: it ended with code {code}.")
        soon = lived > _LONGEST_PAUSE or not self._pause
        self._pause = 1.0 if soon else min(self._pause * 2, _LONGEST_PAUSE)
        self._start_at = now + self._pause
        self.process = None
        self._say(f"{name} ended with code {code}; it starts again in {self._pause:.0f} s.")


def run_together(
    *,
    programs: Sequence[Program],
    grace: float,
    say: Callable[[str], None],
    each_tick: Callable[[], None],
) -> None:
    """Run the programs until SIGINT, SIGTERM or SIGHUP; they have `grace` seconds to end.

    A second signal ends them at once.

    Raises:
        CouldNotStart: One ended by itself soon after its first start.
        GuardLost: The guard died.
    """
    with _guard() as guard, _signals() as signals:
        children = [_Child(program=program, group=guard.pid, say=say) for program in programs]
        try:
            while not signals:
                time.sleep(_TICK)
                if guard.poll() is not None:
                    raise GuardLost("The guard process died.")
                for child in children:
                    child.look_after()
                each_tick()
            say("Stopping, when what is in hand is done; once more stops at once.")
        finally:
            processes = [child.process for child in children if child.process]
            _end(processes, deadline=time.monotonic() + grace, hurry=lambda: len(signals) > 1)


def _end(
    processes: Sequence[subprocess.Popen[bytes]], *, deadline: float, hurry: Callable[[], bool]
) -> None:
    """Ask the processes to end, and wait; what is left after that, the end of the guard kills."""
    for process in processes:
        process.terminate()
    while any(process.poll() is None for process in processes):
        if time.monotonic() > deadline or hurry():
            return
        time.sleep(_TICK)


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that ask for the end."""
    received: list[int] = []

    def receive(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    asking = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, receive) for number in asking]
    # The programs are no foreground group of the terminal, and may write to it all the same.
    before_output = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTTOU, before_output)
        for number, handler in zip(asking, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def _guard() -> Iterator[subprocess.Popen[bytes]]:
    """Lead a process group that ends with this process, or with this context."""
    command = [sys.executable, "-I", "-S", "-c", _GUARD, str(_ORPHAN_GRACE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0) as guard:
        try:
            yield guard
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(guard.pid, signal.SIGKILL)
