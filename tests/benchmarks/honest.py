"""Whether a generated history is as a recorder that was there would have left it."""

from uuid import UUID

from django.db import connection
from psycopg import sql

from audit.models import Operation
from audit.trail.facets import permission_facets, settings_facets
from audit.trail.subjects import Subject, subject_named


_SUBJECTS = ("task", "task_permission", "role_permission", "role_member")
_SETTINGS = "/settings"
# So many operations are looked at, with no more rows than this.
_SAMPLE, _ROWS = 150, 200

_ROWS_OF = sql.SQL("SELECT history_id FROM {table} WHERE operation_id = %(operation)s")
_FACETS_OF = "SELECT audit_facets(%(operation)s::uuid)"


class Dishonest(Exception):
    """The history says something else than a recorder would have."""


def check_history() -> None:
    """Compare operations of each kind with their rows: how many there are, and the facets.

    Raises:
        Dishonest: something differs, or a row changed nothing.
    """
    small = Operation.objects.filter(changed__range=(1, _ROWS)).order_by("-created_at")
    kinds = set(small.order_by().values_list("kind", flat=True))
    for kind in sorted(kinds):
        for operation in small.filter(kind=kind)[: _SAMPLE // len(kinds)]:
            _check(operation)


def _check(operation: Operation) -> None:
    changes = [
        change
        for subject in map(subject_named, _SUBJECTS)
        for change in subject.changes(subject.read(_history_ids(subject, operation.pk)))
    ]
    if len(changes) != operation.changed or not all(change.differences for change in changes):
        raise Dishonest(f"{operation.pk} has {len(changes)} rows, or one without a difference")
    places = {each.place for change in changes for each in change.differences}
    if _recorded(operation, places) != set(operation.facets):
        raise Dishonest(f"{operation.pk}: {_recorded(operation, places) ^ set(operation.facets)}")


def _recorded(operation: Operation, places: set[str]) -> set[str]:
    """Return what the end of the operation adds, and what a batch adds of its plan."""
    added = {
        "update_settings": settings_facets(place.removeprefix(_SETTINGS) for place in places),
        "set_permissions": permission_facets(places),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FACETS_OF, {"operation": operation.pk})
        return {*cursor.fetchone()[0], *added.get(operation.kind, ())}


def _history_ids(subject: Subject, operation: UUID) -> list[int]:
    table = sql.Identifier(subject.history)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS_OF.format(table=table), {"operation": operation})
        return [history_id for (history_id,) in cursor.fetchall()]
