"""How the database's planner meets the statements of a batch.

A connection keeps the query plan of a statement that it has seen a few times, which serves the many
small questions of a request well. The statements of a batch have their targets in an array: a query plan
made for any array is made for ten of them, and read ten thousand thirty times as slowly.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def planned_for_the_targets() -> Iterator[None]:
    """Let the database plan each statement anew, for the very arrays that come with it."""
    connection.ensure_connection()
    psycopg_connection = connection.connection
    kept = psycopg_connection.prepare_threshold
    psycopg_connection.prepare_threshold = None
    try:
        yield
    finally:
        psycopg_connection.prepare_threshold = kept
