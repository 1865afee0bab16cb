"""Which operations an actor may ask about, cancel and undo."""

from uuid import UUID

from django.contrib.auth.models import User

from audit.models import Operation
from tasks.batch.errors import OperationUnknown


def visible_operation(*, actor: User, operation_id: UUID) -> Operation:
    """Return an operation of the actor's; superusers see every one.

    Raises:
        OperationUnknown: there is none, or it is somebody else's.
    """
    operation = Operation.objects.filter(pk=operation_id).first()
    if operation is None or not is_own(actor=actor, operation=operation):
        raise OperationUnknown
    return operation


def is_own(*, actor: User, operation: Operation) -> bool:
    """Return whether the actor may ask about the operation, cancel and undo it."""
    return bool(actor.is_superuser or operation.actor_id == actor.pk)
