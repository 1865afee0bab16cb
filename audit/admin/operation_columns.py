"""What lists and pages show of an operation."""

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from audit.admin.theme import display
from audit.models import Operation, State


class OperationColumns:
    """The columns of the list of operations, which the page of one shows as well."""

    @display(description="what")
    def kind_name(self, operation: Operation) -> str:
        """Return the kind in words."""
        return operation.title

    @display(
        description="state",
        label={
            "queued": "info",
            "running": "info",
            "applied": "success",
            "refused": "warning",
            "failed": "danger",
        },
    )
    def state_name(self, operation: Operation) -> str:
        """Return the state, which lists show as a coloured label."""
        return str(State(operation.state).label)

    @display(description="tasks")
    def extent(self, operation: Operation) -> str:
        """Return how many tasks were changed of how many."""
        if not operation.targets:
            return "–"
        return f"{operation.changed:,} of {operation.targets:,} changed"

    @display(description="undo")
    def undo(self, operation: Operation) -> SafeString | str:
        """Link the operation that this one reverts, and those that revert it."""
        links = [("Reverts", operation.reverts_id)] if operation.reverts_id else []
        links += [
            ("Reverted by", key) for key in operation.reverted_by.values_list("pk", flat=True)
        ]
        return format_html_join(
            ", ",
            '{} <a class="bh-link" href="{}">{}</a>',
            ((how, reverse("admin:audit_operation_change", args=[key]), key) for how, key in links),
        )
