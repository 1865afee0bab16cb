"""The addresses under `/api/`; none ends in a slash."""

from django.urls import path

from tasks.api.operations import CancelView, OperationView, RevertView
from tasks.api.opsera import SettingsView
from tasks.api.past import SettingsThenView
from tasks.api.schema_views import DocsView, SchemaView
from tasks.api.trail import EventsView, OperationChangesView, OperationsView


urlpatterns = [
    path("v2/settings/tasks", SettingsView.as_view()),
    path("v2/operations", OperationsView.as_view()),
    path("v2/operations/<uuid:operation_id>/changes", OperationChangesView.as_view()),
    path("v2/audit/events", EventsView.as_view()),
    path("v2/audit/settings", SettingsThenView.as_view()),
    path("v2/operations/<uuid:operation_id>", OperationView.as_view(), name="operation"),
    path("v2/operations/<uuid:operation_id>/cancel", CancelView.as_view()),
    path("v2/operations/<uuid:operation_id>/revert", RevertView.as_view()),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(), name="docs"),
]
