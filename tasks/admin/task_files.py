"""The files of the list of tasks: what it shows as a file, and tasks from one."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, reverse

from audit.admin.base import ListNotUnderstood
from audit.admin.requests import actor_of
from audit.admin.theme import action
from tasks.admin.bulk_actions import rights_anywhere
from tasks.admin.exporting import FILE_KINDS, export, file_response
from tasks.admin.import_pages import ImportPages
from tasks.batch.authority import authority


if TYPE_CHECKING:
    from audit.admin.base import BaseAdmin
else:
    BaseAdmin = object

View = Callable[[Any, HttpRequest], HttpResponse]
# Says in which kind of file the list is wanted; no filter goes by the name.
_KIND = "as"


def _telling_why(view: View) -> View:
    """Tell whom the button is not for, and comes all the same, why not."""

    @wraps(view)
    def wrapped(page: BaseAdmin, request: HttpRequest) -> HttpResponse:
        try:
            return view(page, request)
        except PermissionDenied:
            return ImportPages(page).refuse(request)

    return wrapped


class TaskFiles(BaseAdmin):
    """Buttons of the list of tasks: export what it shows, import."""

    actions_list: tuple[str, ...] = ("export_list", "import_file")

    def get_urls(self) -> list[URLPattern]:
        """Serve the pages of imports as well."""
        own: list[URLPattern] = super().get_urls()
        return [*ImportPages(self).urls, *own]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Let the button export what the list shows: the same filters, the same search."""
        response: Any = super().changelist_view(request, extra_context)
        address = reverse("admin:tasks_task_export_list")
        for button in getattr(response, "context_data", {}).get("actions_list", []):
            if button["path"] == address and request.GET:
                button["path"] = f"{address}?{request.GET.urlencode()}"
        return response  # type: ignore[no-any-return]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Offer to import to who may add tasks to some project or other."""
        return authority().may_add_tasks_anywhere(actor=actor_of(request))

    @_telling_why
    @action(description="Import", icon="upload", permissions=["import"], path="import")
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Take a file of tasks."""
        return ImportPages(self).upload(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Let export who may view some task or other."""
        return bool(rights_anywhere(request))

    @action(description="Export", icon="download", permissions=["export"], path="export")
    def export_list(self, request: HttpRequest) -> HttpResponseBase:
        """Offer what the filters in the address leave as files, or send one."""
        asked = request.GET.copy()
        wanted = "".join(asked.pop(_KIND, [])[-1:])
        request.GET = asked  # type: ignore[assignment]  # a list is what the request asks for
        try:
            listed = self.get_changelist_instance(request)
        except ListNotUnderstood:
            return self.back_to_list(request)
        pages: Any = listed.paginator
        if wanted in FILE_KINDS and not pages.is_bounded:
            return file_response(export(listed.queryset, kind=wanted), kind=wanted)
        asked[_KIND] = ""
        context = {
            "title": "Export tasks",
            "found": pages.count,
            "too_many": pages.is_bounded,
            "files": [
                (kind.label, f"?{asked.urlencode()}{name}") for name, kind in FILE_KINDS.items()
            ],
        }
        return self.render(request, "admin/drafts/export.html", context)
