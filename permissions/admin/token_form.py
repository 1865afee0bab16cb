"""The form in which a visitor says what a token shall be."""

from datetime import timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin.requests import actor_of, origin_of
from permissions.models import Scope
from permissions.tokens import IssuedToken, NewToken, create_token


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
