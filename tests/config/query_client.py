"""A process that uses the embedded PostgreSQL: answers each statement on stdin with one value."""

import json
import os
import subprocess
import sys

from django.conf import settings
from django.db import close_old_connections, connection


def main(data_dir: str, database: str) -> None:
    settings.configure(DATA_DIR=data_dir, DATABASES={"default": json.loads(database)})
    for line in sys.stdin:
        close_old_connections()  # as at the beginning of a request
        sys.stdout.write(f"{answer(line.strip())}\n")
        sys.stdout.flush()


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
