"""The admin site: Bulkhead's own pages, and no others."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.sites import UnfoldAdminSite

from audit.refused_pages import View, noting_refusals
from permissions.sign_ins import note_attempt, note_own_password, setting_password


# The apps whose pages are served. Their modules cannot be imported here: they register on this site.
_OURS = frozenset({"audit", "permissions", "tasks"})


class BulkheadAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types
    """Takes only pages that ask Bulkhead who may see what.

    Libraries register pages of their own, which go by Django's rights on whole models, and some act
    without asking at all (procrastinate's job actions): none of them is served.
    """

    index_title = "Home"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[Any] | None = None,
        **options: Any,
    ) -> None:
        """Take the page if it is one of ours."""
        if admin_class is not None and admin_class.__module__.partition(".")[0] in _OURS:
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002  # Django's
        """Let who is signed in see the page, and record what it refuses of what they send."""
        guarded: View = super().admin_view(noting_refusals(view), cacheable)
        return guarded

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Let somebody sign in, and record whether it succeeded."""
        if request.method != "POST":
            shown: HttpResponse = super().login(request, extra_context)
            return shown
        with transaction.atomic(), setting_password():
            answer: HttpResponse = super().login(request, extra_context)
        note_attempt(request=request, succeeded=isinstance(answer, HttpResponseRedirect))
        return answer

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Let somebody set their password, and record that they did."""
        if request.method != "POST":
            shown: HttpResponse = super().password_change(request, extra_context)
            return shown
        with transaction.atomic():
            with setting_password():
                answer: HttpResponse = super().password_change(request, extra_context)
            if isinstance(answer, HttpResponseRedirect):
                note_own_password(request=request)
        return answer

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page is given; colours come from a file, not from each page."""
        return {**super().each_context(request), "colors": {}}
