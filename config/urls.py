"""Every address the product answers."""

from django.contrib import admin
from django.urls import include, path, re_path

from permissions.api.access import AccessView
from permissions.api.views import CodeArtsUnknownPathView
from tasks.api.opsera import OpseraUnknownPathView


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v2/audit/access", AccessView.as_view()),
    path("api/", include("tasks.api.urls")),
    re_path(r"^api(/|$)", OpseraUnknownPathView.as_view()),
    path("v1/", include("permissions.api.urls")),
    # Its SDK calls all of these.
    re_path(r"^v[1-4](/|$)", CodeArtsUnknownPathView.as_view()),
]

handler400 = "config.interfaces.bad_request"
handler403 = "config.interfaces.permission_denied"
handler404 = "config.interfaces.page_not_found"
handler500 = "config.interfaces.server_error"
