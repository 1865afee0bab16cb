"""The addresses of CodeArts Build's API: exact, without a slash at the end and without a redirect."""

from django.urls import path, re_path

from permissions.api.views import PermissionsBatchView, UnknownPath


urlpatterns = [
    path("v1/job/permissions/batch", PermissionsBatchView.as_view(), name="permissions-batch"),
    re_path(r"^v1(/|$)", UnknownPath.as_view()),
]
