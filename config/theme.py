"""How the admin looks and what its sidebar offers, for django-unfold."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _file(name: str) -> Callable[[HttpRequest], str]:
    """Return what gives a file's address once files have addresses."""
    return lambda _request: static(f"bulkhead/{name}")


def _reads_accounts(request: HttpRequest) -> bool:
    # What `audit.visibility` asks, which settings cannot import.
    return request.user.has_perm("audit.view_operation")


def _page(title: str, icon: str, page: str, **extra: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}"), **extra}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Bulkhead",
    "SITE_HEADER": "Bulkhead",
    "SITE_SUBHEADER": "CI/CD tasks, governed",
    "SITE_URL": None,
    "SITE_ICON": _file("favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("favicon.svg")}],
    "STYLES": [_file("colours.css"), _file("admin.css")],
    # Before the theme's own scripts, which wait for it.
    "SCRIPTS": [_file("expressions.js"), _file("controls.js"), _file("times.js")],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.home.dashboard",
    "SIDEBAR": {
        "navigation": [
            {"items": [_page("Home", "home", "index")]},
            {
                "title": "What is governed",
                "items": [
                    _page("Tasks", "task_alt", "tasks_task_changelist"),
                    _page("Projects", "folder", "tasks_project_changelist"),
                    _page("Task types", "category", "tasks_tasktype_changelist"),
                ],
            },
            {
                "title": "Who may",
                "items": [
                    _page("Roles", "badge", "permissions_role_changelist"),
                    _page("Matrices", "grid_on", "permissions_permissionmatrix_changelist"),
                    _page("API tokens", "key", "permissions_apitoken_changelist"),
                ],
            },
            {
                "title": "What happened",
                "items": [_page("Operations", "history", "audit_operation_changelist")],
            },
            {
                "title": "Accounts",
                "items": [
                    _page("Users", "person", "auth_user_changelist", permission=_reads_accounts),
                    _page("Groups", "group", "auth_group_changelist", permission=_reads_accounts),
                ],
            },
        ],
    },
}
