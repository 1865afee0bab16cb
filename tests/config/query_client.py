"""A process that uses the embedded PostgreSQL: answers each statement on stdin with one value."""

import json
import sys

from django.conf import settings
from django.db import close_old_connections, connection


def main(data_dir: str, database: str) -> None:
    settings.configure(DATA_DIR=data_dir, DATABASES={"default": json.loads(database)})
    for statement in sys.stdin:
        close_old_connections()  # as at the beginning of a request
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
        sys.stdout.write(f"{row[0]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
