"""What lists and pages show of a task."""

from django.db.models.functions import Collate, Upper
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.theme import display, moment
from tasks.models import Task


# As the index `task_name_prefix` has it.
NAME_IN_CAPITALS = Collate(Upper("name"), "C")


def capitals(text: str) -> str:
    """Return the text in capitals as PostgreSQL would: no letter becomes two."""
    return "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in text)


class TaskColumns:
    """The columns of the list of tasks, which the page of one shows as well."""

    @display(description="name", ordering=NAME_IN_CAPITALS)
    def task_name(self, task: Task) -> str:
        """Return the name."""
        return task.name

    @display(description="id")
    def task_id(self, task: Task) -> SafeString:
        """Return the id as people compare it."""
        return format_html('<span class="bh-mono">{}</span>', task.uid)

    @display(
        description="state",
        label={"enabled": "success", "disabled": "warning", "recycled": "danger"},
    )
    def state(self, task: Task) -> str:
        """Return whether the task is enabled, or in the recycle bin."""
        if task.recycled_at:
            return "recycled"
        return "enabled" if task.enabled else "disabled"

    @display(description="created by")
    def creator(self, task: Task) -> str:
        """Return who created the task."""
        return task.created_by.get_username()

    @display(description="created at")
    def created(self, task: Task) -> SafeString:
        """Return when the task was created."""
        return moment(task.created_at)

    @display(description="updated at")
    def updated(self, task: Task) -> SafeString:
        """Return when the task was last changed."""
        return moment(task.updated_at)
