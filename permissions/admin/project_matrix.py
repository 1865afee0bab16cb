"""The pages on which a project's permissions are changed: the grid, the preview, applying it.

They translate, call `project_pipeline.preview` or `apply` once, and translate back. What was toggled
stands in the preview's address: it can be reloaded, linked, and left and come back to.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.admin.base import BaseAdmin
from audit.admin.requests import actor_of, is_key, origin_of
from permissions import project_pipeline
from permissions.admin.grids import FLAG_LABELS
from permissions.admin.project_matrix_form import MatrixForm
from permissions.admin.toggles import TogglesUnreadable, query_of, toggles_in
from permissions.changes import SetProjectMatrix
from permissions.changes.project_matrix import MatrixChange
from permissions.consequences import roles_without_view
from permissions.flags import NONE, Flag, flags_in
from permissions.matrix import Rows
from permissions.models import Role
from permissions.project_pipeline import MatrixDrifted, MatrixPlan, MatrixRefused
from permissions.states import Situation
from tasks.batch.plan import REFUSED_KINDS, OutcomeKind, WarningCode
from tasks.models import Project


# Eight fields each: a request has a thousand at most.
_ROLES_ON_A_PAGE = 100


class ReasonForm(forms.Form):
    """Why it is done."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Why (optional; kept with the operation)",
        widget=UnfoldAdminTextInputWidget(),
    )


class RoleChange(NamedTuple):
    """What a role gains and loses, in words."""

    code: int
    name: str
    gains: Sequence[str]
    losses: Sequence[str]


class MatrixPages:
    """The grid of one project's permissions and the preview of a change to it."""

    def __init__(self, *, page: BaseAdmin, request: HttpRequest, project: Project) -> None:
        self.page, self.request, self.project = page, request, project

    def grid(self) -> HttpResponse:
        """Show the grid; of what was toggled, lead to the preview."""
        data = self.request.POST if self.request.method == "POST" else None
        pages = Paginator(list(self._roles.values()), _ROLES_ON_A_PAGE)
        page = pages.get_page(self.request.GET.get("p"))
        form = MatrixForm(data, situation=self._situation(), roles=list(page))
        if form.is_valid():
            if toggled := form.toggled():
                return HttpResponseRedirect(
                    f"{self._address('preview_permissions')}?{query_of(toggled)}"
                )
            messages.info(self.request, "Nothing was toggled, so there is nothing to preview.")
            return HttpResponseRedirect(self.request.get_full_path())
        context = {"form": form, "flags": FLAG_LABELS, "page": page}
        return self._render("admin/project_permissions.html", context)

    def preview(self) -> HttpResponse:
        """Show what the change in the address would do; sent back, apply exactly that."""
        try:
            flags = toggles_in(self.request.GET)
        except TogglesUnreadable:
            messages.warning(self.request, "That address names no change. Choose it here.")
            return HttpResponseRedirect(self._address("change_permissions"))
        return self.decide(SetProjectMatrix(project_uid=self.project.uid, flags=flags))

    def decide(self, change: MatrixChange) -> HttpResponse:
        """Show what the change would do; sent back, apply exactly that."""
        form = ReasonForm(self.request.POST or None)
        if form.is_valid():
            return self._apply(change, reason=form.cleaned_data["reason"])
        return self._show(project_pipeline.preview(actor=actor_of(self.request), change=change))

    def _apply(self, change: MatrixChange, *, reason: str) -> HttpResponse:
        try:
            applied = project_pipeline.apply(
                actor=actor_of(self.request),
                change=change,
                origin=origin_of(self.request),
                # Without a fingerprint nothing was previewed, and what is empty would bind to nothing.
                expected=self.request.POST.get("fingerprint") or "none",
                reason=reason,
            )
        except MatrixDrifted:
            messages.warning(self.request, f"Nothing was applied. {self._meanwhile()}")
            return HttpResponseRedirect(self.request.get_full_path())
        except MatrixRefused as refused:
            return self._show(refused.plan)
        messages.success(self.request, f"The permissions of {self.project} are changed.")
        address = reverse("admin:audit_operation_change", args=[applied.operation.pk])
        return HttpResponseRedirect(address)

    def _show(self, plan: MatrixPlan) -> HttpResponse:
        outcome = plan.outcome
        context = {
            "plan": plan,
            "changes": list(self._changes(plan)),
            "warnings": list(self._warnings(plan)),
            "refusal": outcome.detail if outcome.kind in REFUSED_KINDS else "",
            "is_unchanged": outcome.kind is OutcomeKind.UNCHANGED,
            "seen": _as_seen(outcome.write.now.effective.rows) if outcome.write else "",
            "reach": f"{plan.reach.tasks:,}",
            "holders": f"{plan.reach.users:,}",
            "reason": ReasonForm(self.request.POST or None)["reason"],
            "back": self._address("change_permissions"),
            "undoes": plan.change.reverts,
            "is_conflict": outcome.kind is OutcomeKind.CONFLICT,
        }
        return self._render("admin/project_permissions_preview.html", context)

    def _changes(self, plan: MatrixPlan) -> Iterator[RoleChange]:
        for code in sorted(plan.gains.keys() | plan.losses.keys()):
            gains, losses = (
                [flag.label for flag in of.get(code, ())] for of in (plan.gains, plan.losses)
            )
            yield RoleChange(code, self._name(code), gains, losses)

    def _warnings(self, plan: MatrixPlan) -> Iterator[str]:
        """Yield what to beware of, roles by their names."""
        for warning in plan.warnings:
            if warning.code not in {WarningCode.DELETE_GAINED, WarningCode.HIDDEN_FROM_ROLE}:
                yield f"{capfirst(warning.detail)}."
        for code, gained in sorted(plan.gains.items()):
            if Flag.DELETE in gained:
                yield f"{self._name(code)} gains Delete: it may then move these tasks to the recycle bin."
        if step := plan.outcome.write:
            before, after = step.now.effective.rows, step.then.effective.rows
            for code, bits in roles_without_view(before=before, after=after).items():
                flags = ", ".join(flag.label for flag in flags_in(bits))
                yield f"{self._name(code)} holds {flags} without View, which hides these tasks from it."

    def _meanwhile(self) -> str:
        """Say what has changed since the preview, as far as the preview said what it saw."""
        before = _seen_in(self.request.POST.get("seen", ""))
        now = {code: grant.flags for code, grant in self._situation().now.effective.rows.items()}
        told = []
        for code in sorted(before.keys() & now.keys()):
            gained, lost = now[code] & ~before[code], before[code] & ~now[code]
            for verb, bits in (("gained", gained), ("lost", lost)):
                if bits:
                    flags = ", ".join(flag.label for flag in flags_in(bits))
                    told.append(f"{self._name(code)} {verb} {flags}")
        since = f" meanwhile: {'; '.join(told)}" if told else " since the preview"
        return f"The permissions changed{since}. This is what would change now."

    def _situation(self) -> Situation:
        return project_pipeline.read_situation(actor=actor_of(self.request), project=self.project)

    @cached_property
    def _roles(self) -> Mapping[int, Role]:
        return {role.code: role for role in self.project.roles.order_by("code")}

    def _name(self, code: int) -> str:
        return self._roles[code].name if code in self._roles else f"role {code}"

    def _address(self, page: str) -> str:
        return reverse(f"admin:tasks_project_{page}", args=[self.project.pk])

    def _render(self, template: str, context: dict[str, Any]) -> HttpResponse:
        common = {"original": self.project, "title": f"Permissions of {self.project}"}
        return self.page.render(self.request, template, {**common, **context})


def _as_seen(rows: Rows) -> str:
    return " ".join(f"{code}:{grant.flags}" for code, grant in sorted(rows.items()))


def _seen_in(text: str) -> dict[int, int]:
    """Return each role's flags as a preview saw them; what cannot be read says nothing."""
    seen = {}
    for part in text.split():
        code, _, flags = part.partition(":")
        if is_key(code.removeprefix("-")) and is_key(flags):
            seen[int(code)] = int(flags) or NONE
    return seen
