"""The bulk actions: what can be done to chosen tasks, for the list, a task's page and pasted ids alike.

An app registers what it adds, so `tasks` need not know of changes of permissions.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from audit.admin.requests import actor_of
from tasks.admin.change_forms import ChangeForm
from tasks.batch.authority import authority
from tasks.models import Task


_ATTRIBUTE = "bulkhead_rights_anywhere"


def _any(task: Task) -> bool:
    del task
    return True


@dataclass(frozen=True, kw_only=True)
class BulkAction:
    """Something that is done to chosen tasks.

    It is offered to holders of `right`, a permission's codename, in the order of `place`. `form` becomes
    the change; without one the action only leads to `page`, the name of an address that takes a draft's
    id. With `in_bin` it is offered for tasks in the recycle bin, and for no others; the page of one task
    offers it where it `suits` that task, which then is not so already.
    """

    name: str
    label: str
    icon: str
    right: str
    place: int
    form: type[ChangeForm] | None = None
    page: str = "tasks_task_draft"
    in_bin: bool = False
    suits: Callable[[Task], bool] = _any


_registered: dict[str, BulkAction] = {}


def register_bulk_action(action: BulkAction) -> None:
    """Offer the action."""
    _registered[action.name] = action


def bulk_actions() -> Sequence[BulkAction]:
    """Return all bulk actions, in the order in which they are offered."""
    return sorted(_registered.values(), key=lambda action: action.place)


def bulk_action(name: str) -> BulkAction | None:
    """Return the bulk action of this name, if there is one."""
    return _registered.get(name)


def actions_for(*, rights: Collection[str], in_bin: bool) -> Sequence[BulkAction]:
    """Return the actions for tasks on one side of the recycle bin's lid that these rights allow."""
    return [
        action for action in bulk_actions() if action.right in rights and action.in_bin is in_bin
    ]


def rights_anywhere(request: HttpRequest) -> frozenset[str]:
    """Return the rights that the visitor holds on some task or other, asked once per request."""
    known: frozenset[str] | None = getattr(request, _ATTRIBUTE, None)
    if known is None:
        known = authority().rights_anywhere(actor=actor_of(request))
        setattr(request, _ATTRIBUTE, known)
    return known
