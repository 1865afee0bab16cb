"""The filter of tasks by a setting: which, and what it is; it answers nothing about secrets."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import Model, Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from unfold.contrib.filters.admin import TextFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.admin.requests import typed
from audit.differences import steps_of
from tasks.admin.shown import schema_of
from tasks.batch.errors import Malformed
from tasks.models import TaskType
from tasks.schemas import Pointer, hides
from tasks.strict_json import MAX_DEPTH, parse_value


_KEY, _VALUE = "setting", "setting_value"


class SettingForm(forms.Form):
    """The place of a setting, and what shall stand there."""

    setting = forms.CharField(
        required=False,
        label="By setting",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "repository.branch"}),
    )
    setting_value = forms.CharField(
        required=False,
        label="Which is (empty: is set)",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "main"}),
    )


class SettingFilter(TextFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks that have a setting or, with a value, have it so."""

    title = "setting"
    parameter_name = _KEY
    parameter_names = (_KEY, _VALUE)

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        if _VALUE in params:
            self.used_parameters[_VALUE] = params.pop(_VALUE)[-1]

    def expected_parameters(self) -> list[str]:
        """Return the names of both parameters."""
        return [_KEY, _VALUE]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Offer both fields."""
        del changelist
        yield {"form": SettingForm(self.used_parameters)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the tasks that have the setting so.

        Of what names no setting nothing is kept: what the list shows may be chosen as a whole.
        """
        del request
        value = self.used_parameters.get(_VALUE, "").replace("\0", "")
        text = typed(self.value())
        if not (text or value):
            return queryset
        place = _place(text)
        if not place:
            return queryset.none()
        setting: Any = "settings"
        for step in place:
            setting = KeyTransform(step, setting)
        found: QuerySet[Any] = queryset.alias(setting_at_place=setting)
        if not value:
            hidden = _types_that_hide(place, is_set_may_be_told=True)
            return found.filter(setting_at_place__isnull=False).exclude(task_type__in=hidden)
        fits = Q()
        for wanted in _meant(value):
            fits |= Q(setting_at_place=wanted)
        return found.filter(fits).exclude(task_type__in=_types_that_hide(place))


def _place(text: str) -> Pointer:
    """Return the place that `a.b` or `/a/b` names; none if there can be no setting."""
    text = text.removeprefix("settings.")
    steps = text[1:].split("/") if text.startswith("/") else text.split(".")
    # The database would take a number for a position in an array.
    if (
        not all(steps)
        or len(steps) > MAX_DEPTH
        or any(step.lstrip("-").isdigit() for step in steps)
    ):
        return ()
    return steps_of("/" + "/".join(steps))


def _meant(value: str) -> list[Any]:
    """Return what the text may mean: itself, or the number or truth value that it spells."""
    try:
        spelt = parse_value(value.encode(errors="surrogatepass"))
    except Malformed:
        return [value]
    return [value] if isinstance(spelt, str | list | dict) else [value, spelt]


def _types_that_hide(place: Pointer, *, is_set_may_be_told: bool = False) -> list[int]:
    """Return the types in which what stands at the place is secret, or holds a secret, or is inside one.

    Whether a secret is set may be told, but of what is inside one not even that.
    """
    hidden = []
    for each in TaskType.objects.all():
        secrets = list(schema_of(each).secrets)
        if is_set_may_be_told:
            secrets = [secret for secret in secrets if len(secret) < len(place)]
        if hides(secrets, place):
            hidden.append(each.pk)
    return hidden
