"""Importing tasks in two steps: a file is looked at row by row, then added as it was looked at.

The file waits in a draft, for its actor alone, with what was told of its rows. What became of each row in
the preview must become of it again, or nothing is added. Only what is sent writes; looking does not.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from audit.admin.base import BaseAdmin
from audit.admin.requests import actor_of, origin_of, page_number
from tasks.admin.crafted import (
    record_forged_import,
    record_import_without_right,
    record_use_of_anothers_draft,
)
from tasks.admin.drafts import DraftUnusable, DraftUsed, open_draft
from tasks.admin.import_drafts import (
    BadRow,
    FileReceipt,
    GoodRow,
    Told,
    Upload,
    keep_told,
    new_import,
    told_of,
    upload_of,
)
from tasks.admin.import_form import TaskImportForm, projects_to_add_to
from tasks.admin.import_resource import TaskResource, Wanted
from tasks.models import Draft


_PER_PAGE = 50
# Of the good rows and of the bad ones so many are listed; all are counted.
_MOST_LISTED = 2_000


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
        """Take a file, find out what would become of its rows, and lead there."""
        actor = actor_of(request)
        projects = projects_to_add_to(actor=actor)
        if not projects:
            return self.refuse(request)
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = TaskImportForm(*sent, projects=projects)
        if form.is_bound and form.is_valid():
            draft = new_import(actor=actor, content=form.content())
            _look(request, draft, upload_of(draft))
            return _to("tasks_task_import_preview", draft.pk)
        record_forged_import(request=request, forged=form.crafted())
        return self._render(request, "upload", {"title": "Import tasks", "form": form})

    def refuse(self, request: HttpRequest) -> HttpResponse:
        """Tell who may add tasks to no project so."""
        record_import_without_right(request=request)
        return self._render(request, "upload", {"title": "Import tasks"}, status=403)

    def preview(self, request: HttpRequest, draft_id: UUID) -> HttpResponse:
        """Show what would become of each row; sent back, add the tasks."""
        try:
            # The file may be long, and only what was told of it is shown.
            unread = [] if request.method == "POST" else ["change"]
            draft = open_draft(actor=actor_of(request), draft_id=draft_id, without=unread)
            if draft.operation:
                return _to("audit_operation_change", draft.operation)
            if request.method == "POST":
                return self._add(request, draft, upload_of(draft))
            told = told_of(draft)
        except DraftUsed as used:
            # Sent twice: this one waited while the other one added the tasks.
            return _to("audit_operation_change", used.operation)
        except DraftUnusable:
            record_use_of_anothers_draft(request=request, draft_id=draft_id)
            none: dict[str, Any] = {"title": "No such import"}
            return self._render(request, "unusable", none, folder="drafts", status=404)
        listed = max(len(told.good_rows), len(told.bad_rows))
        pages = max(-(-listed // _PER_PAGE), 1)
        number = page_number(request.GET.get("page", ""), last=pages)
        rows = slice((number - 1) * _PER_PAGE, number * _PER_PAGE)
        context: dict[str, Any] = {
            "title": "Import tasks",
            "told": told,
            "good_rows": told.good_rows[rows],
            "bad_rows": told.bad_rows[rows],
            "unlisted": max(told.good, told.bad) > _MOST_LISTED,
            "most_listed": _MOST_LISTED,
            "number": number,
            "pages": pages,
        }
        return self._render(request, "preview", context)

    def _add(self, request: HttpRequest, draft: Draft, upload: Upload) -> HttpResponse:
        wanted = replace(
            _wanted(request, upload),
            # Without a mark nothing was previewed, and what is empty would expect nothing.
            expected=request.POST.get("mark") or "none",
            skip_bad="leave_others" in request.POST,
            receipt=FileReceipt(draft),
        )
        result = TaskResource(wanted).import_data(upload.file)
        if result.imported and result.imported.kept:
            were = "task was" if result.good == 1 else "tasks were"
            messages.success(request, f"{result.good:,} {were} added.")
            return _to("audit_operation_change", result.imported.operation.pk)
        if result.drifted:
            detail = "what was confirmed is not what would become of the rows"
            record_forged_import(request=request, forged=[("drifted", detail)])
            text = (
                "Nothing was added: since the preview, something has changed. It is up to date now."
            )
            messages.warning(request, text)
            _look(request, draft, upload)
        elif result.base_errors:
            # The page says why.
            _look(request, draft, upload)
        elif result.bad:
            messages.warning(request, "Nothing was added: say that the bad rows shall be left out.")
        return _to("tasks_task_import_preview", draft.pk)

    def _render(
        self,
        request: HttpRequest,
        template: str,
        context: dict[str, Any],
        *,
        folder: str = "imports",
        status: int = 200,
    ) -> HttpResponse:
        name = f"admin/{folder}/{template}.html"
        return self._page.render(request, name, context, status=status)


def _look(request: HttpRequest, draft: Draft, upload: Upload) -> None:
    """Find out what would become of the rows, and keep it with the draft."""
    wanted = replace(_wanted(request, upload), listed=_MOST_LISTED)
    result = TaskResource(wanted).import_data(upload.file, dry_run=True)
    told = Told(
        file=upload.name,
        error="; ".join(str(each.error) for each in result.base_errors),
        mark=result.imported.mark if result.imported else "",
        good=result.good,
        bad=result.bad,
        good_rows=[GoodRow(row.row_values, *row.diff) for row in result.rows],
        bad_rows=[
            BadRow(row.number, list(row.non_field_specific_errors)) for row in result.invalid_rows
        ],
    )
    keep_told(draft=draft, told=told)


def _wanted(request: HttpRequest, upload: Upload) -> Wanted:
    """Return the import of a file that waits, with nothing expected of it so far."""
    return Wanted(
        actor=actor_of(request),
        origin=origin_of(request),
        file_name=upload.name,
        terms=upload.terms,
    )


def _to(page: str, key: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"admin:{page}", args=[key]))
