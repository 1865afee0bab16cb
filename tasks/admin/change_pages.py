"""The pages on which one task is changed: write it down, see what it would do, apply it.

They translate, call `preview` or `apply` once, and translate back. The draft between preview and
applying already carries any number of targets.
"""

import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from audit.admin.base import BaseAdmin
from audit.admin.documents import document_rows
from audit.admin.requests import actor_of, origin_of
from tasks.admin.drafts import Draft, DraftUnusable, open_draft
from tasks.admin.forms import DisableForm, SettingsForm
from tasks.admin.shown import differences, schema_of, shown_settings
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.errors import BatchError, PlanDrifted, PlanRefused
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Outcome, OutcomeKind
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task


class ChangePage(ABC):
    """What every page that changes a task does; a subclass says how its change is written down."""

    template: ClassVar[str]

    def __init__(self, *, page: BaseAdmin, request: HttpRequest, task: Task) -> None:
        self.page, self.request, self.task = page, request, task

    @abstractmethod
    def form(self, data: Any = None) -> forms.Form:
        """Return the form, bound if there is data."""

    @abstractmethod
    def change(self, form: Any) -> Change[Any]:
        """Return the change that a valid form asks for."""

    def respond(self) -> HttpResponse:
        """Show the form, the preview or, applied, the task again."""
        if self.request.method != "POST":
            return self._show_form(self.form())
        if sealed := self.request.POST.get("draft"):
            return self._apply(sealed)
        form = self.form(self.request.POST)
        return self._preview(self.change(form), form) if form.is_valid() else self._show_form(form)

    def _batch(self, change: Change[Any], *, expected: str = "") -> Batch:
        return Batch(
            change=change,
            uids=[self.task.uid],
            origin=origin_of(self.request),
            expected=expected,
        )

    def _preview(self, change: Change[Any], form: forms.Form | None = None) -> HttpResponse:
        actor = actor_of(self.request)
        plan = pipeline.preview(actor=actor, batch=self._batch(change))
        (outcome,) = plan.outcomes
        if outcome.kind is not OutcomeKind.CHANGE:
            return self._show_refusal(outcome, form)
        draft = Draft(change=change, uids=[self.task.uid], fingerprint=plan.fingerprint)
        shown = list(
            differences(
                before=json.loads(outcome.before),
                after=json.loads(outcome.after),
                places=outcome.changed,
                secrets=schema_of(self.task.task_type).secrets,
            )
        )
        context = {
            "change": change,
            "differences": shown,
            "warnings": plan.warnings,
            "draft": draft.seal(actor=actor),
        }
        return self._render("admin/change_preview.html", context)

    def _show_refusal(self, outcome: Outcome, form: forms.Form | None) -> HttpResponse:
        unchanged = outcome.kind is OutcomeKind.UNCHANGED
        why = "It is so already: nothing would change." if unchanged else outcome.detail
        problems = [f"{problem.pointer or '/'}: {problem.message}" for problem in outcome.problems]
        return self._show_form(form or self.form(), refusals=problems or [why])

    def _apply(self, sealed: str) -> HttpResponse:
        try:
            draft = open_draft(sealed, actor=actor_of(self.request))
        except DraftUnusable:
            return self._show_form(self.form(), refusals=["The preview has expired."])
        batch = self._batch(draft.change, expected=draft.fingerprint)
        if list(draft.uids) != [self.task.uid]:
            return self._show_form(self.form(), refusals=["The preview is of another task."])
        try:
            applied = pipeline.apply(actor=actor_of(self.request), batch=batch)
        except PlanDrifted:
            messages.warning(
                self.request, "The task changed since the preview; nothing was applied. Look again."
            )
            return self._preview(draft.change)
        except PlanRefused as error:
            return self._show_refusal(error.plan.refusals[0], None)
        except BatchError as error:
            return self._show_form(self.form(), refusals=[str(error)])
        address = reverse("admin:audit_operation_change", args=[applied.operation.pk])
        done = format_html('Done. <a class="underline" href="{}">See the operation</a>.', address)
        messages.success(self.request, done)
        return HttpResponseRedirect(reverse("admin:tasks_task_change", args=[self.task.pk]))

    def _show_form(self, form: forms.Form, refusals: list[str] | None = None) -> HttpResponse:
        context = {
            "form": form,
            "refusals": refusals or [],
            "settings": document_rows(shown_settings(self.task)),
        }
        return self._render(self.template, context)

    def _render(self, template: str, context: dict[str, Any]) -> HttpResponse:
        common = {
            **self.page.admin_site.each_context(self.request),
            "opts": self.page.opts,
            "original": self.task,
            "title": str(self.task.name),
        }
        return TemplateResponse(self.request, template, {**common, **context})


class SettingsPage(ChangePage):
    """Changes the settings of a task, by a merge patch or as a whole."""

    template = "admin/change_settings.html"

    @property
    def whole(self) -> bool:
        """Whether the settings are edited as a whole."""
        return self.request.GET.get("as") == "whole"

    def form(self, data: Any = None) -> SettingsForm:
        """Return the form of the chosen way."""
        return SettingsForm(data, task=self.task, whole=self.whole)

    def change(self, form: SettingsForm) -> UpdateSettings:
        """Return the merge patch as a change."""
        return UpdateSettings(patch=form.patch())


class EnabledPage(ChangePage):
    """Disables an enabled task, or enables a disabled one."""

    template = "admin/change_enabled.html"

    def form(self, data: Any = None) -> forms.Form:
        """Return the form: disabling asks for a reason, enabling for nothing."""
        return DisableForm(data) if self.task.enabled else forms.Form(data)

    def change(self, form: forms.Form) -> SetEnabled:
        """Return the opposite of the present state as a change."""
        reason = form.cleaned_data.get("reason", "")
        return SetEnabled(enabled=not self.task.enabled, reason=reason)
