"""A matrix as a grid of checkboxes."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldBooleanWidget

from permissions.flags import Flag
from permissions.models import PermissionMatrix, RolePermission
from permissions.project_matrix import matrix_digest
from permissions.roles import ADMINISTRATOR


DRIFTED = "The matrix was changed since you opened this page. Nothing was saved: look again."


class MatrixForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """One checkbox per role and flag, bound to the state of the matrix that was shown."""

    expected = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = PermissionMatrix
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._digest = matrix_digest(matrix=self.instance)
        self.fields["expected"].initial = self._digest
        rows = RolePermission.objects.filter(matrix=self.instance).select_related("role")
        self._rows = list(rows.order_by("role_code"))
        for row in self._rows:
            for flag in Flag:
                self.fields[_name(row.role_code, flag)] = forms.BooleanField(
                    required=False,
                    initial=bool(row.flags & flag.bit),
                    disabled=row.role_code == ADMINISTRATOR,
                    widget=UnfoldBooleanWidget({"aria-label": f"{row.role.name}: {flag.label}"}),
                )

    def grid(self) -> Iterator[Mapping[str, Any]]:
        """Yield each role with its seven checkboxes and what it holds now."""
        for row in self._rows:
            yield {
                "code": row.role_code,
                "name": row.role.name,
                "is_locked": row.role_code == ADMINISTRATOR,
                "fields": [self[_name(row.role_code, flag)] for flag in Flag],
                "held": [bool(row.flags & flag.bit) for flag in Flag],
            }

    def clean_expected(self) -> str:
        """Refuse to overwrite what somebody else has saved meanwhile."""
        if self.cleaned_data["expected"] != self._digest:
            raise ValidationError(DRIFTED)
        return self._digest

    def flags(self) -> dict[int, int]:
        """Return what each role shall hold, by code."""
        return {
            row.role_code: sum(
                flag.bit for flag in Flag if self.cleaned_data[_name(row.role_code, flag)]
            )
            for row in self._rows
        }


def _name(code: int, flag: Flag) -> str:
    return f"role{code}_{flag.vendor_name}"
