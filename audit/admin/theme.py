"""The theme's decorators with types, which the theme itself has none of, and how columns show times."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from django.db.models.expressions import Combinable
from django.utils.html import format_html
from django.utils.safestring import SafeString
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


def moment(at: datetime) -> SafeString:
    """Return a time as columns show it: in UTC, or where there is a script, in the viewer's zone."""
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>', at.isoformat(), f"{at:%-d %B %Y, %H:%M}"
    )
