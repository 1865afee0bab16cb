"""The theme's decorators with types, which the theme itself has none of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from django.db.models.expressions import Combinable
from unfold import decorators


Method = TypeVar("Method", bound=Callable[..., Any])


def display(
    *,
    description: str,
    ordering: str | Combinable | None = None,
    label: Mapping[str, str] | None = None,
) -> Callable[[Method], Method]:
    """Say what a method that shows something of an object is called, sorted and coloured by."""
    decorate = decorators.display(
        description=description, ordering=ordering, label=dict(label) if label else None
    )
    return cast("Callable[[Method], Method]", decorate)


def action(
    *, description: str, icon: str, permissions: Sequence[str], path: str | None = None
) -> Callable[[Method], Method]:
    """Make a method a button of a list or of an object's page, for those who have the permissions."""
    decorate = decorators.action(
        description=description, icon=icon, permissions=permissions, url_path=path
    )
    return cast("Callable[[Method], Method]", decorate)
