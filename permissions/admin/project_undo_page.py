"""Undoing a change of a project's permissions from the page of its operation."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.buttons import Button, register_buttons
from audit.admin.panels import FurtherPage, register_page
from audit.admin.requests import actor_of
from audit.admin.result import Wording, word_results
from audit.models import Operation, State
from permissions import project_pipeline
from permissions.admin.project_matrix import MatrixPages
from permissions.changes import RestoreProjectMatrix, SetProjectMatrix
from tasks.batch.errors import NotRevertible, OperationUnknown
from tasks.batch.operations import is_own
from tasks.models import Project
from tasks.visibility import visible_projects


KINDS = (SetProjectMatrix.kind, RestoreProjectMatrix.kind)


def _undo(_: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show what undoing the operation would do to the project now; sent back, undo it.

    Raises:
        Http404: there is no such operation, it is somebody else's, or its project is not to be seen.
    """
    actor, since = actor_of(request), request.GET.get("since", "")
    try:
        change = project_pipeline.change_to_undo(
            actor=actor,
            operation_id=UUID(object_id),
            skip_conflicts=since == "leave",
            overwrite=since == "overwrite",
        )
    except (ValueError, OperationUnknown) as error:
        raise Http404 from error
    except NotRevertible as error:
        messages.warning(request, f"It cannot be undone: {error}.")
        address = reverse("admin:audit_operation_change", args=[object_id])
        return HttpResponseRedirect(address)
    project = visible_projects(actor=actor).filter(uid=change.project_uid).first()
    if project is None:
        raise Http404
    page: BaseAdmin = admin.site.get_model_admin(Project)  # type: ignore[assignment]  # ours
    return MatrixPages(page=page, request=request, project=project).decide(change)


def _buttons(request: HttpRequest, operation: Operation) -> Iterator[Button]:
    if operation.kind not in KINDS or not is_own(actor=actor_of(request), operation=operation):
        return
    if operation.state == State.APPLIED and operation.changed:
        address = reverse("admin:audit_operation_undo_permissions", args=[operation.pk])
        yield Button("Undo", address, does=False)


for kind in KINDS:
    word_results(kind=kind, wording=Wording(one="project", many="projects"))
register_page(Operation, FurtherPage("undo_permissions", _undo))
register_buttons(Operation, _buttons)
