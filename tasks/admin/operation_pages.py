"""What can be done with an operation on its page: cancel it while it is not finished."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.buttons import Button, register_buttons
from audit.admin.panels import FurtherPage, register_page
from audit.admin.requests import actor_of
from audit.models import UNFINISHED, Operation, State
from tasks.batch.cancelling import cancel
from tasks.batch.errors import OperationUnknown, TooLate
from tasks.batch.operations import is_own


def _cancel(_: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Cancel the operation, and lead back to its page.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    operation_id = operation_id_of(object_id)
    if request.method == "POST":
        try:
            operation = cancel(actor=actor_of(request), operation_id=operation_id)
        except OperationUnknown as error:
            raise Http404 from error
        except TooLate as error:
            text = str(error)
            messages.warning(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            if operation.state == State.CANCELLED:
                messages.success(request, "The operation is cancelled; nothing was changed.")
    return to_operation(operation_id)


def operation_id_of(key: str) -> UUID:
    """Return the id of an operation that an address names.

    Raises:
        Http404: it names none.
    """
    try:
        return UUID(key)
    except ValueError as error:
        raise Http404 from error


def to_operation(operation_id: UUID) -> HttpResponse:
    """Lead to the page of the operation."""
    return HttpResponseRedirect(reverse("admin:audit_operation_change", args=[operation_id]))


def _buttons(request: HttpRequest, operation: Operation) -> Iterator[Button]:
    if not is_own(actor=actor_of(request), operation=operation):
        return
    if operation.state in UNFINISHED:
        yield Button("Cancel", reverse("admin:audit_operation_cancel", args=[operation.pk]))


register_page(Operation, FurtherPage("cancel", _cancel))
register_buttons(Operation, _buttons)
