"""Who reads what of the trail: auditors everything, others what was done to tasks that they may view."""

from django.contrib.auth.models import User

from audit.trail.reader import Filter, Reader, Sight
from audit.visibility import may_audit
from tasks.visibility import reach_of


def reader_of(*, actor: User, wanted: Filter) -> Reader:
    """Return the reader of what the actor may read; a task that is wanted is one that they may."""
    if may_audit(actor=actor):
        return Reader(actor=actor, sight=None, wanted=wanted)
    reach = reach_of(actor=actor)
    tasks = reach.tasks.order_by().values_list("pk")
    sight = Sight(tasks=tasks, projects=reach.projects, elsewhere=reach.elsewhere)
    return Reader(actor=actor, sight=sight, wanted=wanted)
