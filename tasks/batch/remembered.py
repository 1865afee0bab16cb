"""What previews saw of their targets, kept for a day so that drift can be named, target by target."""

from collections.abc import Mapping, Sequence

from django.db import connection

from tasks import queries
from tasks.batch.plan import Plan
from tasks.models import PreviewedPlan


def remember(plan: Plan) -> None:
    """Keep the plan's marks under its fingerprint."""
    PreviewedPlan.objects.bulk_create(
        [PreviewedPlan(fingerprint=plan.fingerprint, marks=plan.marks)],
        update_conflicts=True,
        unique_fields=["fingerprint"],
        update_fields=["created_at"],
    )


def remembered_marks(*, fingerprint: str, uids: Sequence[str]) -> Mapping[str, str]:
    """Return the marks that were kept of these targets under the fingerprint; none if none were."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_MARKS, {"fingerprint": fingerprint, "uids": list(uids)})
        return dict(cursor.fetchall())


def drifted(*, fingerprint: str, plan: Plan) -> list[str] | None:
    """Return the targets that differ from what the fingerprint saw; None if that is not known."""
    kept = PreviewedPlan.objects.filter(pk=fingerprint).first()
    if kept is None or kept.marks.keys() != plan.marks.keys():
        return None
    return [uid for uid, mark in plan.marks.items() if kept.marks[uid] != mark]
