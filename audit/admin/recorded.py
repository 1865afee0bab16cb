"""Forms whose every saving is one operation, whatever rows it writes."""

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.utils import unquote
from django.db import connection, transaction
from django.db.models import Model, TextField
from django.forms.models import ModelFormMetaclass
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.admin.autocomplete import Autocompleting
from audit.admin.base import BaseAdmin
from audit.admin.requests import actor_of, is_key, origin_of
from audit.admin.unseen import SeeingForm
from audit.models import Operation
from audit.recorder import administrative_operation
from audit.titles import name_kind


if TYPE_CHECKING:
    # Generic in the stubs alone.
    from collections.abc import Sequence

    from django.forms import BaseModelFormSet, ModelForm


_WAIT_FOR_OTHERS = "SELECT pg_advisory_xact_lock(hashtext(%s))"


class RecordedAdmin(Autocompleting, BaseAdmin):
    """A page on which superusers add and change what governs tasks."""

    formfield_overrides = MappingProxyType(
        {TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}}
    )

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        for verb in ("add", "change"):
            title = f"{verb.capitalize()} {self.opts.verbose_name}"
            name_kind(kind=f"{verb}_{self.opts.model_name}", title=title)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let superusers add."""
        return actor_of(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers change."""
        del obj
        return actor_of(request).is_superuser

    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002  # Django calls it so
        **kwargs: Any,
    ) -> "type[ModelForm[Any]]":
        """Let the form of what is there already heed what others have changed since it was shown."""
        form: type[ModelForm[Any]] = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            return form
        seeing = ModelFormMetaclass(form.__name__, (SeeingForm, form), {})
        return cast("type[ModelForm[Any]]", seeing)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Let nobody else save anything of the kind between looking at what there is and saving."""
        shown = super().changeform_view
        # Who may not change may not add.
        if request.method != "POST" or not self.has_change_permission(request):
            return shown(request, object_id, form_url, extra_context)
        with transaction.atomic():
            with connection.cursor() as cursor:
                # So that of two forms with one name, key or id the second is told so.
                cursor.execute(_WAIT_FOR_OTHERS, [f"saving {self.opts.label}"])
            key = unquote(object_id or "")
            if is_key(key):
                rows = self.model._base_manager.filter(pk=key)
                rows.select_for_update(no_key=True).values_list("pk").first()
            return shown(request, object_id, form_url, extra_context)

    def save_model(
        self,
        request: HttpRequest,
        obj: Model,
        form: "ModelForm[Any]",
        change: bool,  # noqa: FBT001  # Django calls it so
    ) -> None:
        """Wait for `save_related`, which saves the object and its rows under one operation."""

    def save_related(
        self,
        request: HttpRequest,
        form: "ModelForm[Any]",
        formsets: "Sequence[BaseModelFormSet[Any, Any]]",
        change: bool,  # noqa: FBT001  # Django calls it so
    ) -> None:
        """Save everything under one operation; a form that changes nothing writes nothing."""
        if change and not form.has_changed() and not any(map(_changes, formsets)):
            return
        verb = "change" if change else "add"
        with administrative_operation(
            actor=actor_of(request),
            kind=f"{verb}_{self.opts.model_name}",
            origin=origin_of(request),
        ) as operation:
            if form.has_changed() or not change:
                self.save_recorded(request, form, operation, change=change)
            super().save_related(request, form, formsets, change)
            operation.parameters = self.recorded_parameters(form)

    def save_recorded(
        self, request: HttpRequest, form: "ModelForm[Any]", operation: Operation, *, change: bool
    ) -> None:
        """Save the object itself; its rows follow."""
        del operation
        super().save_model(request, form.instance, form, change)

    def recorded_parameters(self, form: Any) -> dict[str, Any]:
        """Return what the operation says of itself: which object it was about."""
        return {str(self.opts.verbose_name): str(form.instance)}


def _changes(formset: "BaseModelFormSet[Any, Any]") -> bool:
    # A row that may be removed but not changed does not count as changed when it is removed.
    return formset.has_changed() or bool(formset.deleted_forms)
