"""Real threads, each with a connection of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from django.db import connection


def at_once(*calls: Callable[[], Any]) -> list[Future[Any]]:
    """Make all calls at the same time, each in a thread with a connection of its own."""
    barrier = Barrier(len(calls))

    def make(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [pool.submit(closing, partial(make, call)) for call in calls]


def closing(call: Callable[[], Any]) -> Any:
    """Make the call, and give its thread's connection back."""
    try:
        return call()
    finally:
        connection.close()
