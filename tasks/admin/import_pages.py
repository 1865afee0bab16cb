"""Importing tasks in two steps: a file is looked at row by row, then added as it was looked at.

The file waits in a draft, encrypted, for its actor alone. What became of each row in the preview must
become of it again, or nothing is added.
"""

import base64
import json
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from audit.admin.base import BaseAdmin
from audit.admin.requests import actor_of, origin_of
from tasks.admin.drafts import VALID_FOR, DraftUnusable, new_draft, open_draft
from tasks.admin.import_form import TaskImportForm, projects_to_add_to
from tasks.admin.import_formats import FORMATS, FileOfTasks
from tasks.admin.import_resource import ResultOfTasks, TaskResource, Wanted
from tasks.importing.checking import Terms
from tasks.models import Draft
from tasks.secrets import SealBroken, seal_text, unseal_text


ACTION = "import_tasks"
_PER_PAGE = 50
_MOST_PAGES = 200


class Upload(NamedTuple):
    """The file of a draft, and what was said of it."""

    name: str
    file: FileOfTasks
    terms: Terms


class ImportPages:
    """The pages of an import, on the admin page of tasks."""

    def __init__(self, page: BaseAdmin) -> None:
        self._page = page

    @property
    def urls(self) -> list[URLPattern]:
        """The address of the second step; the first is a button's."""
        view = self._page.admin_site.admin_view(self.preview)
        return [path("import/<uuid:draft_id>/", view, name="tasks_task_import_preview")]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Take a file, and lead to what would become of its rows."""
        actor = actor_of(request)
        projects = projects_to_add_to(actor=actor)
        if not projects:
            return self._render(request, "upload", {"title": "Import tasks"}, status=403)
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = TaskImportForm(*sent, projects=projects)
        if form.is_bound and form.is_valid():
            draft = new_draft(actor=actor, action=ACTION, uids=[])
            Draft.objects.filter(pk=draft.pk).update(change=seal_text(form.content()))
            return _to("tasks_task_import_preview", draft.pk)
        return self._render(request, "upload", {"title": "Import tasks", "form": form})

    def preview(self, request: HttpRequest, draft_id: UUID) -> HttpResponse:
        """Show what would become of each row; sent back, add the tasks."""
        try:
            draft = open_draft(actor=actor_of(request), draft_id=draft_id)
            if draft.operation:
                return _to("audit_operation_change", draft.operation)
            upload = _upload_of(draft)
        except DraftUnusable:
            none: dict[str, Any] = {"title": "No such import"}
            return self._render(request, "unusable", none, folder="drafts", status=404)
        if request.method == "POST":
            return self._add(request, draft, upload)
        number = _page_in(request)
        told = range((number - 1) * _PER_PAGE, number * _PER_PAGE)
        result = _import(request, upload, told=told, dry_run=True)
        most = max(result.good, result.bad)
        context: dict[str, Any] = {
            "title": "Import tasks",
            "file": upload.name,
            "result": result,
            "number": number,
            "pages": min(max(-(-most // _PER_PAGE), 1), _MOST_PAGES),
        }
        return self._render(request, "preview", context)

    def _add(self, request: HttpRequest, draft: Draft, upload: Upload) -> HttpResponse:
        again = _to("tasks_task_import_preview", draft.pk)
        result = _import(
            request,
            upload,
            # Without a mark nothing was previewed, and what is empty would expect nothing.
            expected=request.POST.get("mark") or "none",
            skip_bad="leave_others" in request.POST,
        )
        if result.imported and result.imported.kept:
            operation = result.imported.operation
            Draft.objects.filter(pk=draft.pk).update(operation=operation.pk, change="")
            messages.success(request, f"{result.good:,} task(s) were added.")
            return _to("audit_operation_change", operation.pk)
        if result.drifted:
            text = (
                "Nothing was added: since the preview, something has changed. It is up to date now."
            )
            messages.warning(request, text)
        elif result.bad:
            messages.warning(request, "Nothing was added: say that the bad rows shall be left out.")
        return again

    def _render(
        self,
        request: HttpRequest,
        template: str,
        context: dict[str, Any],
        *,
        folder: str = "imports",
        status: int = 200,
    ) -> HttpResponse:
        common = {**self._page.admin_site.each_context(request), "opts": self._page.opts}
        name = f"admin/{folder}/{template}.html"
        return TemplateResponse(request, name, {**common, **context}, status=status)


def _import(
    request: HttpRequest,
    upload: Upload,
    *,
    told: range = range(0),
    dry_run: bool = False,
    expected: str = "",
    skip_bad: bool = False,
) -> ResultOfTasks:
    wanted = Wanted(
        actor=actor_of(request),
        origin=origin_of(request),
        file_name=upload.name,
        terms=upload.terms,
        told=told,
        skip_bad=skip_bad,
        expected=expected,
    )
    return TaskResource(wanted).import_data(upload.file, dry_run=dry_run)


def _upload_of(draft: Draft) -> Upload:
    """Return the file that waits in the draft.

    Raises:
        DraftUnusable: there is none, or it has waited for too long.
    """
    if draft.action != ACTION:
        raise DraftUnusable
    try:
        content = json.loads(unseal_text(draft.change, valid_for=VALID_FOR))
    except SealBroken as error:
        raise DraftUnusable from error
    file = FORMATS[content["format"]]().create_dataset(base64.b64decode(content["content"]))
    terms = Terms(
        project=content["project"],
        task_type=content["type"],
        ignore_creators=content["ignore_creators"],
    )
    return Upload(content["file"], file, terms)


def _page_in(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return min(max(int(text), 1), _MOST_PAGES) if text.isascii() and text.isdecimal() else 1


def _to(page: str, key: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"admin:{page}", args=[key]))
