"""Operations: what happened, who did it, through what, and what it changed; for reading alone."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from audit.admin.base import BaseAdmin
from audit.admin.changed import changed_objects
from audit.admin.documents import document_rows
from audit.admin.filters import ActorFilter, KindFilter, PeriodFilter
from audit.admin.operation_columns import OperationColumns
from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from audit.masking import masked
from audit.models import Operation
from audit.visibility import visible_operations


@admin.register(Operation)
class OperationAdmin(OperationColumns, BaseAdmin):
    """The list of operations and the page of one."""

    empty = "You have changed nothing yet. What you change is listed here."
    list_display = ("created_at", "kind_name", "actor_name", "channel", "state_name", "extent")
    list_display_links = ("created_at", "kind_name")
    list_filter = (
        KindFilter,
        ("channel", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ActorFilter,
        ("created_at", PeriodFilter),
    )
    search_fields = ("request_id",)
    search_help_text = "Id of an operation or of a request"
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("kind_name", "state_name"),
                    ("extent", "undo"),
                    ("actor_name", "created_at"),
                    ("started_at", "finished_at"),
                    "reason",
                )
            },
        ),
        (
            "Through what",
            {
                "fields": (
                    ("channel", "token_name"),
                    ("address", "user_agent"),
                    ("request_id", "id"),
                )
            },
        ),
    )

    def visible(self, request: HttpRequest) -> QuerySet[Operation]:
        """Return the visitor's operations, or all to auditors."""
        return visible_operations(actor=actor_of(request)).defer("requested", "refusals")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an operation by its own id or by that of its request."""
        term = search_term.strip()
        try:
            return queryset.filter(Q(pk=UUID(term)) | Q(request_id=term)), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)


def _parameters(request: HttpRequest, operation: Operation) -> Any:
    del request
    return document_rows(masked(operation.parameters)) or None


def _refusals(request: HttpRequest, operation: Operation) -> Any:
    del request
    return operation.refusals or None


def _changed(request: HttpRequest, operation: Operation) -> Any:
    del request
    return changed_objects(operation=operation) or None


register_panel(Operation, Panel("Parameters", "admin/panels/document.html", _parameters))
register_panel(Operation, Panel("Refused", "admin/panels/refusals.html", _refusals))
register_panel(Operation, Panel("Changed", "admin/panels/changed.html", _changed))
