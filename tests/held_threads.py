"""Real threads with connections of their own, and how to stop one exactly where it matters."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

from tasks.batch.pipeline import Applied


PATIENCE = 20
ResultT = TypeVar("ResultT")


@contextmanager
def threads() -> Iterator[Callable[[Callable[[], ResultT]], "Future[ResultT]"]]:
    """Yield a function that starts another in a thread; all have ended when the block ends."""
    with ThreadPoolExecutor(max_workers=8) as pool:

        def start(function: Callable[[], ResultT]) -> "Future[ResultT]":
            def run_and_close() -> ResultT:
                try:
                    return function()
                finally:
                    connections.close_all()

            return pool.submit(run_and_close)

        yield start


def wait_until_blocked(number: int = 1) -> None:
    """Return when so many connections to this database wait for a lock.

    Raises:
        TimeoutError: they do not; what should wait has gone on, or was never started.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # Within a transaction, activity would otherwise stay as it was first seen.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE NOT granted AND datname = current_database()"
            )
            if cursor.fetchone() == (number,):
                return
        time.sleep(0.01)
    raise TimeoutError(f"no {number} connections wait for a lock")


class Held:
    """A receipt that stops its batch when all is written and nothing committed yet."""

    def __init__(self, *, fails: bool = False) -> None:
        self.written = threading.Event()
        self.may_go_on = threading.Event()
        self.fails = fails

    def claim(self) -> None:
        """Take the request, as every first one is."""

    def settle(self, *, applied: Applied) -> None:
        """Wait with the open transaction; then go on, or fail and so roll back."""
        del applied
        self.written.set()
        if not self.may_go_on.wait(PATIENCE):
            raise TimeoutError
        if self.fails:
            raise ZeroDivisionError
