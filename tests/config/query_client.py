"""A process that uses the embedded PostgreSQL: answers each statement on stdin with one value."""

import asyncio
import json
import os
import subprocess
import sys

from django.conf import settings
from django.db import close_old_connections, connection

from config.embedded_postgres.worker import ReconnectingConnector


def main(data_dir: str, database: str) -> None:
    configured = json.loads(database)
    as_worker = configured.pop("AS_WORKER", False)
    settings.configure(DATA_DIR=data_dir, DATABASES={"default": configured})
    if as_worker:
        asyncio.run(answer_as_worker())
        return
    for line in sys.stdin:
        close_old_connections()  # as at the beginning of a request
        say(answer(line.strip()))


def say(value: object) -> None:
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


async def answer_as_worker() -> None:
    """Answer through a pool that stays open, as the background worker's does."""
    connector = ReconnectingConnector().get_worker_connector()
    await connector.open_async()
    while line := await asyncio.to_thread(sys.stdin.readline):
        (value,) = (await connector.execute_query_one_async(line)).values()
        say(value)
    await connector.close_async()


def answer(statement: str) -> object:
    if statement == "fork":
        if os.fork():
            os._exit(0)
        return os.getpid()
    if statement == "spawn":
        return subprocess.Popen(["/bin/sleep", "60"]).pid
    if statement == "shell":
        connection.client.runshell(["-Atc", "SELECT current_user"])
        return ""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
