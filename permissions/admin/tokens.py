"""API tokens: made here, shown once, revoked; never changed and never deleted."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.requests import actor_of, origin_of
from audit.admin.theme import action, display
from permissions.admin.visible import tokens_for
from permissions.models import ApiToken, Scope
from permissions.tokens import IssuedToken, NewToken, create_token, revoke_token


_MOST_DAYS = 3650


class TokenForm(forms.Form):
    """What a token shall be."""

    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="What it is for, such as “nightly clean-up”.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, f"{scope.value}: {scope.label}") for scope in Scope],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="What it may be used for, within what you may do yourself.",
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=_MOST_DAYS,
        initial=90,
        required=False,
        label="Days until it expires",
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Leave it empty for a token that does not expire.",
    )
    networks = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="From where it may be used: one network per line, such as 10.0.0.0/8."
        " Leave it empty for everywhere.",
    )

    def issue(self, request: HttpRequest) -> IssuedToken | None:
        """Make the token, or note what is wrong with the form."""
        days = self.cleaned_data["days"]
        wanted = NewToken(
            owner=actor_of(request),
            name=self.cleaned_data["name"],
            scopes=self.cleaned_data["scopes"],
            expires_at=days and timezone.now() + timedelta(days=days),
            networks=self.cleaned_data["networks"].split(),
        )
        try:
            return create_token(actor=actor_of(request), wanted=wanted, origin=origin_of(request))
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name if name in self.fields else None, texts)
            return None


@admin.register(ApiToken)
class ApiTokenAdmin(HistoryAdmin):
    """The visitor's own tokens; a superuser sees, and may revoke, everybody's."""

    empty = "You have no tokens. Programs need one to act in your name."
    list_display = ("name", "owner_name", "status", "shown_scopes", "expires_at", "last_used_at")
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
        ("created_at", "expires_at"),
        ("last_used_at", "last_used_address"),
        "revoked_at",
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
            return self._render(request, "admin/token_form.html", title="New token", form=form)
        return self._render(
            request,
            "admin/token_shown.html",
            title=f"Token {issued.token.name}",
            issued=issued,
            address=request.build_absolute_uri("/api/v2/settings/tasks?dry_run=true"),
        )

    @action(description="Revoke", icon="block", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then end the token for ever."""
        token = self.get_object(request, object_id)
        if token is None:
            raise Http404
        if request.method != "POST":
            title = f"Revoke {token.name}"
            return self._render(request, "admin/token_revoke.html", title=title, original=token)
        revoke_token(actor=actor_of(request), token_id=token.pk, origin=origin_of(request))
        messages.success(request, f"{token.name} is revoked: from now on it opens nothing.")
        return HttpResponseRedirect(reverse("admin:permissions_apitoken_changelist"))

    @display(description="state", label={"valid": "success", "expired": "warning"})
    def status(self, token: ApiToken) -> str:
        """Return whether the token can be used."""
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at and token.expires_at <= timezone.now() else "valid"

    @display(description="owner")
    def owner_name(self, token: ApiToken) -> str:
        """Return whose token it is."""
        return token.owner.get_username()

    @display(description="scopes")
    def shown_scopes(self, token: ApiToken) -> str:
        """Return what the token may be used for."""
        return ", ".join(token.scopes)

    @display(description="networks")
    def shown_networks(self, token: ApiToken) -> str:
        """Return from where the token may be used."""
        return ", ".join(token.networks) or "everywhere"

    @display(description="ends in")
    def ending(self, token: ApiToken) -> str:
        """Return the last characters, by which an owner tells tokens apart."""
        return f"…{token.hint}"

    def _render(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**common, **context})


describe(
    ApiToken,
    Described(
        page=ApiToken,
        key="id",
        label=lambda row: f"token {row.name} of {row.owner}",
        related=("owner",),
    ),
)
