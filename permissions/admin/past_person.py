"""What somebody was and could do at a moment, or what differs at another.

For auditors, and for the person.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.described import NOTHING, Difference, as_text
from audit.admin.documents import DocumentRow
from audit.admin.panels import FurtherPage, Panel, register_page, register_panel
from audit.admin.requests import is_key
from permissions.admin.grids import FLAG_LABELS
from permissions.admin.past import (
    LISTED,
    asked_form,
    flags_held,
    labels_of,
    question_of,
)
from permissions.admin.past_projects import shown_rights
from permissions.admin.people import may_read_person, name_of_person, tabs_of_person
from permissions.flags import ALL
from permissions.past.people import (
    Moments,
    PersonThen,
    RightsCompared,
    RoleHeld,
    compare_rights,
    person_then,
)


_GROUPS, _ROLES = "Groups", "Roles"
# Of a role that somebody held in more projects, these are counted: they are listed below.
_NAMED = 10


class ShownPerson(NamedTuple):
    """What somebody was, and what they could do; without facts there was no account."""

    at: datetime
    facts: list[DocumentRow]
    rights: dict[str, Any]


def past_of_person(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show what somebody was and could do, and what differs at another moment.

    Raises:
        Http404: there never was such an account, or the visitor may not ask about it.
    """
    if not (is_key(object_id) and may_read_person(request, int(object_id))):
        raise Http404
    key, form = int(object_id), asked_form(request)
    context: dict[str, Any] = {
        "original": page.get_object(request, object_id),
        "title": f"What {name_of_person(key)} could do",
        "tabs": tabs_of_person(key=key, current="past"),
        "question": question_of(form, reverse("admin:auth_user_past", args=[key])),
        "flags": FLAG_LABELS,
    }
    if form.is_bound and form.is_valid():
        at, other = form.cleaned_data["at"], form.cleaned_data["compared_with"]
        people = {moment: person_then(user_id=key, at=moment) for moment in (at, other) if moment}
        # What they could do is told only where no other moment is asked about.
        context["moments"] = [
            ShownPerson(
                moment,
                [DocumentRow(0, name, value) for name, value in _facts(person).items()],
                shown_rights(request, user_id=key, at=moment) if person and not other else {},
            )
            for moment, person in people.items()
        ]
        if other:
            context |= _comparison(key, at, other, people)
    return page.render(request, "admin/past_person.html", context)


def _facts(person: PersonThen | None) -> dict[str, str]:
    """Return what an account was in words, by what that is called."""
    if person is None:
        return {}
    return {
        "Name": person.username,
        "Active": as_text(person.is_active),
        "Staff: may open the admin": as_text(person.is_staff),
        "Superuser: may do everything": as_text(person.is_superuser),
        _GROUPS: as_text(list(person.groups)),
        _ROLES: "; ".join(_roles_in_words(person.roles)) or NOTHING,
    }


def _comparison(
    key: int, at: datetime, other: datetime, people: dict[datetime, PersonThen | None]
) -> dict[str, Any]:
    moments = Moments(at=at, compared_with=other, limit=LISTED)
    compared = compare_rights(user_id=key, moments=moments, flags=ALL)
    return {
        "is_compared": True,
        "changes_of_facts": list(_changed_facts(people[at], people[other])),
        "changes_of_rights": [_changed_rights(each) for each in compared.changes],
        "are_more": compared.next is not None,
    }


def _changed_facts(before: PersonThen | None, after: PersonThen | None) -> Iterator[Difference]:
    was, became = _facts(before), _facts(after)
    for name in [each for each in was | became if each not in {_GROUPS, _ROLES}]:
        if was.get(name) != became.get(name):
            yield Difference(name, was.get(name, "no account"), became.get(name, "no account"))
    held, holds = _standing(before), _standing(after)
    for name in sorted(held ^ holds):
        yield Difference(name, *("yes" if name in side else NOTHING for side in (held, holds)))


def _standing(person: PersonThen | None) -> set[str]:
    """Return each group and each role of somebody in words."""
    if person is None:
        return set()
    groups = {f"In the group {group}" for group in person.groups}
    return groups | set(map(_role_in_words, person.roles))


def _roles_in_words(roles: Sequence[RoleHeld]) -> Iterator[str]:
    """Yield each role in words; of one that is held in many projects, in how many."""
    named: dict[tuple[str, str | None], list[RoleHeld]] = {}
    for role in roles:
        named.setdefault((role.name, role.group), []).append(role)
    for alike in named.values():
        if len(alike) <= _NAMED:
            yield from map(_role_in_words, alike)
        else:
            yield _role_in_words(alike[0]._replace(project=f"{intcomma(len(alike))} projects"))


def _role_in_words(role: RoleHeld) -> str:
    through = f", through the group {role.group}" if role.group else ""
    return f"{role.name} of {role.project}{through}"


def _changed_rights(compared: RightsCompared) -> Difference:
    sides = (compared.before, compared.after)
    task = next(side.task for side in reversed(sides) if side)
    held = [labels_of(flags_held(side.flags if side else 0)) for side in sides]
    return Difference(f"{task.name} in {task.project_name}", *held)


def _panel(request: HttpRequest, user: User) -> dict[str, Any]:
    return question_of(asked_form(request), reverse("admin:auth_user_past", args=[user.pk]))


register_page(User, FurtherPage("past", past_of_person))
register_panel(
    User, Panel("What could this user do at a moment?", "admin/panels/past.html", _panel)
)
