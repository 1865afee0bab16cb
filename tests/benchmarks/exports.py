"""Exports of the trail over HTTP: how many rows a second, and the memory of the web server's worker.

The floor is reading the same rows of history, whole, without telling what changed.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, cast
from urllib.parse import urlencode

from django.db import connection, transaction
from django.urls import reverse
from psycopg import sql

from audit.months import history_models
from audit.trail.streams import CSV, JSON_LINES
from tests.benchmarks.estate import Estate
from tests.benchmarks.questions import EVENTS
from tests.benchmarks.server import Server, serving
from tests.benchmarks.timing import Result, timed
from tests.benchmarks.visitors import Visitor, visitors


# The latest operations with so many rows are exported.
_ROWS = 200_000
# An export is taken so often; the fastest counts.
_ROUNDS = 3

_SINCE = """
SELECT min(created_at)
FROM (
    SELECT created_at, sum(changed) OVER (ORDER BY created_at DESC, id DESC) AS rows
    FROM audit_operation
    WHERE facets @> %(facets)s
) AS counted
WHERE rows <= %(rows)s
"""
_READ = sql.SQL("""
COPY (
    SELECT row FROM {table} AS row
    JOIN audit_operation AS operation ON operation.id = row.operation_id
    WHERE operation.created_at >= %(since)s AND row.history_id >= audit_first_number(%(since)s)
) TO STDOUT
""")


class Asked(NamedTuple):
    """An export: its name, who asks, the address, and the form."""

    name: str
    visitor: Visitor
    path: str
    media_type: str


def measure_exports(*, estate: Estate) -> Iterator[Result]:
    """Measure exports of about 200,000 rows, one after the other."""
    since = _since()
    floor = timed(lambda: _read(since))
    with visitors(estate) as (auditor, member), serving(token="") as server:
        for asked in _exports(auditor, member, since):
            yield _measure(asked, server, floor)


def _since(*facets: str) -> datetime:
    """Return when the latest operations with these facets begin that have so many rows together."""
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, {"rows": _ROWS, "facets": list(facets)})
        (since,) = cursor.fetchone()
    return cast("datetime", since)


def _exports(auditor: Visitor, member: Visitor, since: datetime) -> Iterator[Asked]:
    events = f"{EVENTS}?{urlencode({'since': since.isoformat()})}"
    yield Asked("export/jsonl", auditor, events, JSON_LINES)
    yield Asked("export/csv", auditor, events, CSV)
    flag = {"flag": "is_execute", "since": _since("flag:is_execute").isoformat()}
    yield Asked("export/one flag", auditor, f"{EVENTS}?{urlencode(flag)}", JSON_LINES)
    yield Asked("export/member", member, events, JSON_LINES)
    page = reverse("admin:audit_operation_export_jsonl")
    query = {"created_at_from_0": f"{since:%Y-%m-%d}", "created_at_from_1": f"{since:%H:%M:%S}"}
    yield Asked("export/admin", auditor, f"{page}?{urlencode(query)}", JSON_LINES)


def _measure(asked: Asked, server: Server, floor: float) -> Result:
    headers = {**asked.visitor.headers, "Accept": asked.media_type}
    lines: list[int] = []
    server.forget_peak()
    # The first export of each web process makes it and its connection learn all months' tables.
    seconds = min(
        timed(lambda: lines.append(server.get(asked.path, headers))) for _ in range(_ROUNDS)
    )
    return Result(
        name=asked.name,
        # The last line is the manifest.
        n=lines[0] - 1,
        seconds=seconds,
        floor_seconds=floor,
        ratio=seconds / floor,
        statements=0,
        peak_mib=server.peak_mib(),
    )


def _read(since: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for model in history_models():
            statement = _READ.format(table=sql.Identifier(model._meta.db_table))
            with cursor.copy(statement, {"since": since}) as copy:
                for _ in copy:
                    pass
