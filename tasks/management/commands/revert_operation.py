"""Undo an operation from the command line."""

from argparse import ArgumentParser
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from audit.context import Origin
from audit.models import Channel
from tasks.batch.errors import BatchError, PlanRefused
from tasks.batch.plan import Outcome, OutcomeKind, Plan
from tasks.batch.revert import AskedUndo, Undo


class Command(BaseCommand):
    """Give the tasks that an operation changed back what they had."""

    help = "Undo an operation: its own, or for a superuser anybody's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the operation, the actor, and how to go about it."""
        parser.add_argument("operation", type=UUID, metavar="ID", help="the operation's id")
        parser.add_argument("--actor", required=True, metavar="USER", help="on whose authority")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        since = parser.add_mutually_exclusive_group()
        since.add_argument(
            "--skip-conflicts", action="store_true", help="leave alone what has changed since"
        )
        since.add_argument(
            "--overwrite", action="store_true", help="undo what has changed since as well"
        )
        parser.add_argument("--reason", default="", help="is kept with the operation")

    def handle(self, *_args: object, operation: UUID, actor: str, **options: object) -> None:
        """Undo the operation, or say what that would do.

        Raises:
            CommandError: there is no such user or operation, or it cannot be undone.
        """
        user = User.objects.filter(username=actor).first()
        if user is None:
            raise CommandError(f"There is no user {actor}.")
        undo = Undo(
            operation_id=operation,
            skip_conflicts=bool(options["skip_conflicts"]),
            overwrite=bool(options["overwrite"]),
            reason=str(options["reason"]),
        )
        try:
            self._undo(user, undo, dry_run=bool(options["dry_run"]))
        except PlanRefused as error:
            self._print(error.plan, "would change")
            raise CommandError(f"{error}.") from error
        except BatchError as error:
            raise CommandError(f"{error}.") from error

    def _undo(self, actor: User, undo: Undo, *, dry_run: bool) -> None:
        asked = AskedUndo(undo=undo, origin=Origin(channel=Channel.COMMAND))
        if dry_run:
            plan = asked.preview(actor=actor)
            if plan.refusals:
                raise PlanRefused(plan)
            self._print(plan, "would change")
            self.stdout.write("Dry run: nothing was changed.")
            return
        applied = asked.apply(actor=actor)
        self._print(applied.plan, "changed")
        self.stdout.write(f"Recorded as operation {applied.operation.pk}.")

    def _print(self, plan: Plan, verb: str) -> None:
        for outcome in plan.outcomes:
            self.stdout.write(_line(outcome, verb))
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(plan.counts.items()))
        self.stdout.write(f"{len(plan.outcomes)} {plan.noun}s: {counts}")


def _line(outcome: Outcome, verb: str) -> str:
    if outcome.kind is OutcomeKind.CHANGE:
        return f"{outcome.uid}: {verb} {', '.join(outcome.changed)}"
    return f"{outcome.uid}: {outcome.kind}{outcome.detail and f', {outcome.detail}'}"
