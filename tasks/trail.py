"""Who reads what of the trail: auditors everything, others what was done to tasks that they may view."""

from django.contrib.auth.models import User

from audit.trail import Filter, Reader, Sight
from audit.visibility import may_audit
from tasks.visibility import visible_projects, visible_tasks


def reader_of(*, actor: User, wanted: Filter) -> Reader:
    """Return the reader of what the actor may read; a task that is wanted is one that they may."""
    if may_audit(actor=actor):
        return Reader(actor=actor, sight=None, wanted=wanted)
    projects = list(visible_projects(actor=actor).order_by("uid").values_list("uid", flat=True))
    tasks = visible_tasks(actor=actor).order_by().values_list("pk")
    return Reader(actor=actor, sight=Sight(tasks=tasks, projects=projects), wanted=wanted)
