"""API tokens: made here, shown once, revoked; never changed and never deleted."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.requests import actor_of, origin_of
from audit.admin.theme import action
from permissions.admin.token_columns import TokenColumns
from permissions.admin.token_example import command_for
from permissions.admin.token_form import TokenForm
from permissions.admin.visible import tokens_for
from permissions.models import ApiToken
from permissions.tokens import revoke_token


@admin.register(ApiToken)
class ApiTokenAdmin(TokenColumns, HistoryAdmin):
    """The visitor's own tokens; a superuser sees, and may revoke, everybody's."""

    empty = "You have no tokens. Programs need one to act in your name."
    list_display = ("name", "owner_name", "status", "shown_scopes", "expiry", "last_use")
    list_select_related = ("owner",)
    search_fields = ("name__istartswith",)
    search_help_text = "Beginning of a name"
    ordering = ("-pk",)
    sortable_by = ()
    actions_detail = ("revoke",)
    fields = (
        ("name", "owner_name"),
        ("status", "ending"),
        "shown_scopes",
        "shown_networks",
        ("made_at", "expiry"),
        ("last_use", "last_used_address"),
        "ended_at",
    )

    def visible(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Return the tokens that the visitor may see."""
        return tokens_for(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let everybody make tokens for themselves."""
        return actor_of(request).is_active

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let the owner and superusers revoke what is not revoked yet."""
        token = self.get_object(request, str(object_id))
        return token is not None and token.revoked_at is None

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Make a token, and show it this once: the answer is kept nowhere, not even for the browser."""
        del form_url, extra_context
        form = TokenForm(request.POST or None)
        issued = form.issue(request) if form.is_valid() else None
        if issued is None:
            return self.render(
                request, "admin/token_form.html", {"title": "New token", "form": form}
            )
        context = {
            "title": f"Token {issued.token.name}",
            "issued": issued,
            "command": command_for(request=request, issued=issued),
        }
        return self.render(request, "admin/token_shown.html", context)

    @action(description="Revoke", icon="block", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then end the token for ever."""
        token = self.get_object(request, object_id)
        if token is None:
            raise Http404
        if request.method != "POST":
            context = {"title": f"Revoke {token.name}", "original": token}
            return self.render(request, "admin/token_revoke.html", context)
        revoke_token(actor=actor_of(request), token_id=token.pk, origin=origin_of(request))
        messages.success(request, f"{token.name} is revoked: from now on it opens nothing.")
        return HttpResponseRedirect(reverse("admin:permissions_apitoken_changelist"))


describe(
    ApiToken,
    Described(
        page=ApiToken,
        key="id",
        label=lambda row: f"token {row.name} of {row.owner}",
        related=("owner",),
        also={User: lambda key: Q(owner_id=key)},
        at_first=("scopes", "expires_at", "networks"),
    ),
)
