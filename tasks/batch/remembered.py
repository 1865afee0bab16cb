"""What previews saw of their targets, kept for a day so that drift can be named, target by target."""

from collections.abc import Mapping

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


def remembered_marks(fingerprint: str) -> Mapping[str, str]:
    """Return the marks that were kept under the fingerprint, by target; none if none were."""
    kept = PreviewedPlan.objects.filter(pk=fingerprint).first()
    return kept.marks if kept else {}


def drifted(*, fingerprint: str, plan: Plan) -> list[str] | None:
    """Return the targets that differ from what the fingerprint saw; None if that is not known."""
    seen = remembered_marks(fingerprint)
    if not seen or seen.keys() != plan.marks.keys():
        return None
    return [uid for uid, mark in plan.marks.items() if seen[uid] != mark]
