"""What lists and pages show of an operation."""

from django.utils.safestring import SafeString
from django.utils.text import Truncator

from audit.admin.theme import display, moment
from audit.models import UNFINISHED, Channel, Operation, State


# Of a reason so much is listed; its page tells all of it.
_LONGEST_REASON = 120


class OperationColumns:
    """The columns of the list of operations, which the page of one shows as well."""

    @display(description="when", ordering="created_at")
    def asked_at(self, operation: Operation) -> SafeString:
        """Return when it was asked for."""
        return moment(operation.created_at)

    @display(description="what")
    def kind_name(self, operation: Operation) -> str:
        """Return what operations of its kind are called."""
        return operation.title

    @display(description="who")
    def who(self, operation: Operation) -> str:
        """Return on whose authority it was."""
        if operation.channel == Channel.DATABASE:
            return f"database role {operation.actor_name}"
        return operation.actor_name or "nobody known"

    @display(description="why")
    def why(self, operation: Operation) -> str:
        """Return the beginning of the reason that was given."""
        return Truncator(operation.reason).chars(_LONGEST_REASON) or "–"

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
        attempt = getattr(operation, "attempt", None)
        times = f"{attempt.times:,} times" if attempt and attempt.times > 1 else ""
        if not operation.targets:
            return times or "–"
        if operation.state in UNFINISHED:
            progress = getattr(operation, "progress", None)
            return f"{progress.done if progress else 0:,} of {operation.targets:,} judged"
        if operation.state == State.REFUSED:
            again = f", {times}" if times else ""
            # Refused as a whole, as with a preview that no longer holds, it has no offenders.
            refused = f"{operation.refused:,} of" if operation.refused else "all"
            return f"{refused} {operation.targets:,} refused{again}"
        return f"{operation.changed:,} of {operation.targets:,} changed"
