"""The addresses under `/v1/`; none ends in a slash."""

from django.urls import path

from permissions.api.views import PermissionsBatchView


urlpatterns = [path("job/permissions/batch", PermissionsBatchView.as_view())]
