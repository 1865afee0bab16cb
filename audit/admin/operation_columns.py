"""What lists and pages show of an operation."""

from audit.admin.theme import display
from audit.models import UNFINISHED, Operation, State


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
            "cancelled": "warning",
        },
    )
    def state_name(self, operation: Operation) -> str:
        """Return the state, which lists show as a coloured label."""
        return str(State(operation.state).label)

    @display(description="how many")
    def extent(self, operation: Operation) -> str:
        """Return how many targets were changed of how many, or how far it has come."""
        if not operation.targets:
            return "–"
        if operation.state in UNFINISHED:
            progress = getattr(operation, "progress", None)
            return f"{progress.done if progress else 0:,} of {operation.targets:,} judged"
        if operation.state == State.REFUSED:
            attempt = getattr(operation, "attempt", None)
            again = f", {attempt.times:,} times" if attempt and attempt.times > 1 else ""
            return f"{operation.refused:,} of {operation.targets:,} refused{again}"
        return f"{operation.changed:,} of {operation.targets:,} changed"
