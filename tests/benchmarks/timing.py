"""Measuring: two sides alternate, the best of their rounds counts, and each case is one JSON line."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection


@dataclass(frozen=True, kw_only=True)
class Result:
    """One case: `floor_seconds` is the time of what it is compared with, `ratio` how often it fits in."""

    name: str
    n: int
    seconds: float
    floor_seconds: float
    ratio: float
    statements: int
    peak_mib: float


@dataclass(frozen=True)
class Times:
    """The best times of two sides."""

    ours: float
    theirs: float


def alternate(
    *,
    rounds: int,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    before_each: Callable[[], object] = lambda: None,
) -> Times:
    """Return the best time of each side; whoever comes first changes from round to round."""
    best = {ours: math.inf, theirs: math.inf}
    for turn in range(rounds):
        for side in (ours, theirs) if turn % 2 else (theirs, ours):
            before_each()
            best[side] = min(best[side], timed(side))
    return Times(best[ours], best[theirs])


def timed(side: Callable[[], object]) -> float:
    """Return how long a call takes, in seconds."""
    begin = time.perf_counter()
    side()
    return time.perf_counter() - begin


def report(result: Result) -> None:
    """Print the case."""
    rounded = {
        key: float(f"{value:.4g}") if isinstance(value, float) else value
        for key, value in asdict(result).items()
    }
    print(json.dumps(rounded), flush=True)  # noqa: T201 - this is the output


def say(text: str) -> None:
    """Tell the person who waits; the results alone are on standard output."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def counting() -> Iterator[Callable[[], int]]:
    """Count the SQL statements of this process; the yielded function tells how many there were."""
    count = 0

    def note(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal count
        count += 1
        return execute(*arguments)

    with connection.execute_wrapper(note):
        yield lambda: count


def peak_mib(pid: int | str = "self") -> float:
    """Return the most memory that the process has had in RAM at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def forget_peak(pid: int | str = "self") -> None:
    """Let the peak count from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
