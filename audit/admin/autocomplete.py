"""Fields that are completed while one types; what is sent instead of a key selects nothing."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.widgets import (
    AutocompleteMixin,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.http import HttpRequest

from audit.admin.requests import is_key


if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin

    Page = BaseModelAdmin[Any]
else:
    Page = object


class _KeysAlone(AutocompleteMixin):
    """Looks for no choice by what can be no key: the database would take offence."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Return the choices that are selected."""
        keys = [each for each in value if is_key(str(each))]
        return super().optgroups(name, keys, attr)


class _Select(_KeysAlone, AutocompleteSelect):
    pass


class _SelectMultiple(_KeysAlone, AutocompleteSelectMultiple):
    pass


class Autocompleting(Page):
    """A page, or a part of one, whose `autocomplete_fields` take keys alone."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field, completed if it shall be."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = _Select(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field, completed if it shall be."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = _SelectMultiple(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_manytomany(db_field, request, **kwargs)
