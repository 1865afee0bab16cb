"""Operations in the admin: everybody reads their own, auditors all; apps add what can be done with one."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from audit.admin.asked import asked_in_words
from audit.admin.base import BaseAdmin, ListNotUnderstood
from audit.admin.buttons import buttons_of
from audit.admin.changed import changed_page
from audit.admin.charts import chart_of_activity
from audit.admin.filters import (
    ActorFilter,
    ByFilter,
    ChannelFilter,
    KindFilter,
    NarrowsChanges,
    PeriodFilter,
    added_operation_filters,
    filters_in_words,
    search_operations,
)
from audit.admin.finding import find
from audit.admin.operation_columns import OperationColumns
from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of, origin_of, typed
from audit.admin.result import result_of
from audit.admin.sealing import checkpoint
from audit.admin.theme import moment
from audit.models import Operation
from audit.trail.exports import begin_export
from audit.trail.reader import Filter, Reader
from audit.trail.reading import stream
from audit.trail.streams import FORMS, export
from audit.visibility import may_audit, visible_operations


# So many of what is going on stand above the list.
_GOING_ON = 10
# How files end, and what they are.
_FORMS = {form.ending: media_type for media_type, form in FORMS.items()}


@admin.register(Operation)
class OperationAdmin(OperationColumns, BaseAdmin):
    """The list of operations and the page of one."""

    empty = "You have changed nothing yet. What you change is listed here."
    change_form_template = "admin/operation.html"
    change_list_template = "admin/operation_list.html"
    list_before_template = "admin/operations_going_on.html"
    list_display = ("asked_at", "kind_name", "who", "why", "channel", "state_name", "extent")
    list_display_links = ("asked_at", "kind_name")
    list_select_related = ("progress", "attempt")
    list_filter = (
        KindFilter,
        ByFilter,
        ChannelFilter,
        ("state", ChoicesDropdownFilter),
        ActorFilter,
        ("created_at", PeriodFilter),
    )
    search_fields = ("request_id",)
    search_help_text = (
        "Id of an operation, a request or a task, an address, or words of reasons and names"
    )
    ordering = ("-created_at",)
    sortable_by = ("asked_at",)

    def visible(self, request: HttpRequest) -> QuerySet[Operation]:
        """Return the visitor's operations, or all to auditors."""
        return visible_operations(actor=actor_of(request)).defer("requested", "refusals")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an operation by an id (its own, its request's, a task's), an address, or words."""
        term = typed(search_term)
        return search_operations(request, queryset, term), False

    def named(self, found: Operation) -> str:
        """Return what the operation is called."""
        return found.title

    def told_apart(self, found: Operation) -> str:
        """Return whose it was, when, and what became of it."""
        who, state = found.actor_name or "nobody known", found.get_state_display()
        return format_html("{}, {}, {}", who, moment(found.created_at), state)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Return the filters, with those that apps have added."""
        return (*super().get_list_filter(request), *added_operation_filters())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show no fields: the page is made of the result and of panels."""
        del request, obj
        return []

    def get_urls(self) -> list[URLPattern]:
        """Answer also to who waits for an operation."""
        progress = self.admin_site.admin_view(self.progress)
        return [
            path(
                "checkpoint/",
                self.admin_site.admin_view(checkpoint),
                name="audit_operation_checkpoint",
            ),
            path(
                "find/",
                self.admin_site.admin_view(partial(find, self)),
                name="audit_operation_find",
            ),
            path("<uuid:operation_id>/progress/", progress, name="audit_operation_progress"),
            *(
                path(
                    f"export/{form}/",
                    self.admin_site.admin_view(partial(self.export, form=form)),
                    name=f"audit_operation_export_{form}",
                )
                for form in _FORMS
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, and above it what is going on."""
        unfinished = self.visible(request).filter(finished_at=None).select_related("progress")
        context = {
            "going_on": unfinished.order_by("created_at")[:_GOING_ON],
            "may_audit": may_audit(actor=actor_of(request)),
            "asked": request.GET.urlencode(),
        }
        shown = super().changelist_view(request, {**context, **(extra_context or {})})
        # Where the address is not understood, the answer leads elsewhere and has no list.
        data: dict[str, Any] = getattr(shown, "context_data", {})
        if listed := data.get("cl"):
            data["asked_for"] = filters_in_words(listed)
            if context["may_audit"]:
                data["chart"] = chart_of_activity(request=request, operations=listed.queryset)
        return shown

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Send what the operations of the list changed, as far as it is what the filters ask for.

        To auditors, and it is recorded.

        Raises:
            Http404: the visitor is no auditor.
        """
        actor = actor_of(request)
        if not may_audit(actor=actor):
            raise Http404
        try:
            listed = self.get_changelist_instance(request)
        except ListNotUnderstood:
            return self.back_to_list(request)
        wanted: dict[str, Any] = {}
        for narrowing in listed.filter_specs:
            if isinstance(narrowing, NarrowsChanges) and narrowing.asked:
                wanted |= narrowing.wanted(request)
        asked = {name: _as_asked(request.GET.getlist(name)) for name in sorted(request.GET)}
        terms = begin_export(actor=actor, origin=origin_of(request), asked=asked, form=_FORMS[form])
        reader = Reader(actor=actor, sight=None, wanted=Filter(**wanted), chosen=listed.queryset)
        pieces = export(found=stream(reader=reader), form=FORMS[_FORMS[form]], terms=terms)
        name = f"events-{terms.asked_at:%Y%m%dT%H%M%SZ}.{form}"
        return StreamingHttpResponse(
            pieces,
            content_type=f"{_FORMS[form]}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Say first what has become of the operation, and offer what can be done about it."""
        if operation := kwargs.get("obj"):
            context["result"] = result_of(operation=operation, at=timezone.now())
            context["buttons"] = buttons_of(request=request, shown=operation)
            context["progress_address"] = reverse(
                "admin:audit_operation_progress", args=[operation.pk]
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def progress(self, request: HttpRequest, operation_id: UUID) -> HttpResponse:
        """Answer with the part of the page that says what has become of the operation by now.

        Raises:
            Http404: there is no such operation, or the visitor may not see it.
        """
        operation = self.visible(request).filter(pk=operation_id).first()
        if operation is None:
            raise Http404
        result = result_of(operation=operation, at=timezone.now())
        return TemplateResponse(
            request,
            "admin/operation_result.html",
            {"result": result},
            headers={"X-Finished": str(result.is_finished).lower()},
        )


def _as_asked(values: Sequence[str]) -> str | list[str]:
    """Return what was asked for, without what the database has no place for."""
    kept = [value.replace("\0", "\N{REPLACEMENT CHARACTER}") for value in values]
    return kept[0] if len(kept) == 1 else kept


def _changed(request: HttpRequest, operation: Operation) -> Any:
    return changed_page(request=request, operation=operation)


def _parameters(request: HttpRequest, operation: Operation) -> Any:
    del request
    return asked_in_words(operation) or None


def _origin(request: HttpRequest, operation: Operation) -> dict[str, Any]:
    """Return the operation and, for auditors, where to read on about who it was."""
    reads_on = operation.actor_id and may_audit(actor=actor_of(request))
    listed = reverse("admin:audit_operation_changelist", query={"actor": operation.actor_name})
    return {
        "operation": operation,
        "listed": listed if reads_on else "",
        "history": reverse("admin:auth_user_history", args=[operation.actor_id])
        if reads_on
        else "",
    }


register_panel(
    Operation, Panel("What it changed", "admin/panels/changed.html", _changed, at_end=True)
)
register_panel(
    Operation, Panel("What was asked for", "admin/panels/document.html", _parameters, at_end=True)
)
register_panel(
    Operation,
    Panel("Who, when and through what", "admin/panels/origin.html", _origin, at_end=True),
)
