"""The pages of a bulk change: choose, write it down, see what would happen, apply.

They translate, call the pipeline once, and translate back. Every step is a POST that redirects to a page
which can be left and come back to. Somebody else's draft, one that is too old and one that never was are
told apart by nobody.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse

from audit.admin.base import BaseAdmin, ListNotUnderstood
from audit.admin.requests import actor_of, origin_of, typed
from tasks.admin.bulk_actions import (
    BulkAction,
    actions_for,
    bulk_action,
    bulk_actions,
    rights_anywhere,
)
from tasks.admin.change_forms import ChangeForm, ChosenTasks
from tasks.admin.choosing import ChoiceForm, freeze, too_many
from tasks.admin.crafted import (
    record_action_without_right,
    record_crafted_form,
    record_use_of_anothers_draft,
)
from tasks.admin.drafts import (
    Confirmed,
    DraftUnusable,
    DraftUsed,
    apply_draft,
    change_of,
    new_draft,
    open_draft,
    preview_draft,
    written_in,
)
from tasks.admin.exporting import FILE_KINDS, export, exported_tasks, file_response
from tasks.admin.filters import lists_bin
from tasks.admin.patch_check import check_patch
from tasks.admin.preview_csv import preview_csv
from tasks.admin.preview_page import preview_page
from tasks.batch.change import Change, Restore
from tasks.batch.errors import BatchError, PlanDrifted, TooManyTargets
from tasks.models import Draft, Task


P = ParamSpec("P")
# A view of a draft, as a method.
View = Callable[Concatenate["Flow", HttpRequest, P], HttpResponseBase]

# In an address, it says that all tasks are meant that match the rest.
_MATCHING = "matching"
_LONGEST_REASON = 500


def _refusing(view: View[P]) -> View[P]:
    """Answer alike whatever draft cannot be used, and lead from a used one to its operation."""

    @wraps(view)
    def wrapped(
        flow: "Flow", request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        try:
            return view(flow, request, *args, **kwargs)
        except DraftUsed as used:
            return _to("audit_operation_change", used.operation)
        except DraftUnusable:
            draft_id = cast("UUID", kwargs["draft_id"])
            record_use_of_anothers_draft(request=request, draft_id=draft_id)
            return flow.render(request, "unusable", {"title": "No such draft"}, status=404)

    return wrapped


class Flow:
    """The pages, on the admin page of tasks."""

    def __init__(self, page: BaseAdmin) -> None:
        self._page = page

    @property
    def urls(self) -> list[URLPattern]:
        """The addresses of the pages of a draft."""
        views = {
            "": ("", self.write_down),
            "preview/": ("_preview", self.preview),
            "preview.csv": ("_csv", self.preview_as_csv),
            "export/": ("_export", self.export),
        }
        served = self._page.admin_site.admin_view
        return [
            path("drafts/check-patch/", served(check_patch), name="tasks_task_check_patch"),
            *(
                path(
                    f"drafts/<uuid:draft_id>/{address}",
                    served(view),
                    name=f"tasks_task_draft{name}",
                )
                for address, (name, view) in views.items()
            ),
        ]

    def choose(self, request: HttpRequest) -> HttpResponse:
        """Take ids that were pasted or uploaded, or that of the task on whose page a button is."""
        if _MATCHING in request.GET:
            return self._choose_matching(request)
        record_action_without_right(request=request)
        rights = rights_anywhere(request)
        offered = [action for action in bulk_actions() if action.right in rights]
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = ChoiceForm(*sent, actions=offered)
        action = bulk_action(request.POST.get("action", ""))
        if form.is_bound and form.is_valid() and action:
            uids = form.cleaned_data["chosen"]
            return self.start(
                request,
                action=action,
                draft=new_draft(actor=actor_of(request), action=action.name, uids=uids),
            )
        return self.render(request, "choose", {"title": "Choose tasks by id", "form": form})

    def _choose_matching(self, request: HttpRequest) -> HttpResponse:
        """Take all tasks that the list would show for the rest of the address."""
        asked = request.GET.copy()
        del asked[_MATCHING]
        # The list reads its filters from there.
        request.GET = asked  # type: ignore[assignment]
        back = f"{reverse('admin:tasks_task_changelist')}?{asked.urlencode()}"
        try:
            found = self._page.get_changelist_instance(request)
        except ListNotUnderstood:
            return self._page.back_to_list(request)
        offered = actions_for(rights=rights_anywhere(request), in_bin=lists_bin(request))
        action = next((each for each in offered if each.name == request.POST.get("action")), None)
        if action is None:
            record_action_without_right(request=request)
            context = {"title": "Choose", "actions": offered, "count": found.result_count}
            return self.render(request, "choose_matching", {**context, "back": back})
        draft = self.freeze(request, action=action, tasks=found.get_queryset(request))
        return self.start(request, action=action, draft=draft) if draft else _to_list()

    def freeze(
        self, request: HttpRequest, *, action: BulkAction, tasks: QuerySet[Task]
    ) -> Draft | None:
        """Freeze the tasks into a draft; None, and a message, if they are too many."""
        try:
            return freeze(actor=actor_of(request), action=action, tasks=tasks)
        except TooManyTargets as error:
            messages.error(request, too_many(error))
            return None

    def start(self, request: HttpRequest, *, action: BulkAction, draft: Draft) -> HttpResponse:
        """Lead to the form of the action or, where it asks nothing, straight to the preview."""
        if not draft.uids:
            text = "None of these tasks is there any more, or you may not see them."
            messages.error(request, text)
            return _to_list()
        if action.form and not action.form.asks:
            form = action.form({}, chosen=_chosen(draft))
            if form.is_valid():
                return self._preview(request, draft, form)
        return _to(action.page, draft.pk)

    @_refusing
    def write_down(self, request: HttpRequest, draft_id: UUID) -> HttpResponse:
        """Show the form of the draft's action; once it is valid, preview its change."""
        draft = _open(request, draft_id)
        action = bulk_action(draft.action)
        if action is None or action.form is None:
            raise DraftUnusable
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = action.form(*sent, chosen=_chosen(draft), written=written_in(draft))
        if form.is_bound and form.is_valid():
            try:
                return self._preview(request, draft, form)
            except BatchError as error:
                form.add_error(None, str(error))
        if form.errors:
            record_crafted_form(request=request, form=form)
        context = {"title": action.label, "action": action, "draft": draft, "form": form}
        return self.render(request, "form", context)

    @_refusing
    def preview(self, request: HttpRequest, draft_id: UUID) -> HttpResponse:
        """Show what would happen; apply it, or preview it again."""
        draft = _open(request, draft_id)
        if not draft.change:
            return _to("tasks_task_draft", draft.pk)
        if request.method == "POST":
            if "apply" in request.POST:
                return self._apply(request, draft)
            actor, origin = actor_of(request), origin_of(request)
            change = _answering(change_of(draft), request.POST.get("overwrite"))
            preview_draft(actor=actor, draft=draft, change=change, origin=origin)
            return _to("tasks_task_draft_preview", draft.pk)
        shown = preview_page(
            actor=actor_of(request), draft=draft, origin=origin_of(request), asked=request.GET
        )
        action = bulk_action(draft.action)
        title = action.label if action else shown.change.title
        asks = bool(action and action.form and action.form.asks)
        context = {"title": title, "asks": asks, "draft": draft, "shown": shown}
        return self.render(request, "preview", context)

    @_refusing
    def preview_as_csv(self, request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
        """Send the whole preview, as it is now, as a file."""
        draft = _open(request, draft_id)
        if not draft.change:
            return _to("tasks_task_draft", draft.pk)
        pieces = preview_csv(actor=actor_of(request), draft=draft, origin=origin_of(request))
        return file_response(pieces, kind="csv", name=f"preview-{draft.action}")

    @_refusing
    def export(self, request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
        """Offer the chosen tasks as files, or send one."""
        draft, actor = _open(request, draft_id), actor_of(request)
        wanted = request.GET.get("format", "")
        tasks = exported_tasks(actor=actor, draft=draft)
        if wanted in FILE_KINDS:
            return file_response(export(tasks, kind=wanted), kind=wanted)
        found = tasks.count()
        counts = {"found": found, "missing": len(draft.uids) - found}
        files = [(kind.label, f"?format={name}") for name, kind in FILE_KINDS.items()]
        context = {"title": "Export tasks", "draft": draft, "files": files, **counts}
        return self.render(request, "export", context)

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
    ) -> HttpResponse:
        """Answer with one of the pages of drafts."""
        return self._page.render(request, f"admin/drafts/{template}.html", context, status=status)

    def _preview(self, request: HttpRequest, draft: Draft, form: ChangeForm) -> HttpResponse:
        actor, origin = actor_of(request), origin_of(request)
        change, written = form.change(), form.written()
        preview_draft(actor=actor, draft=draft, change=change, origin=origin, written=written)
        return _to("tasks_task_draft_preview", draft.pk)

    def _apply(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        if draft.fingerprint_of_part and "leave_others" not in request.POST:
            messages.error(request, "Say that the others shall stay as they are, or go back.")
            return _to("tasks_task_draft_preview", draft.pk)
        confirmed = Confirmed(
            fingerprint=request.POST["apply"],
            reason=typed(request.POST.get("reason"))[:_LONGEST_REASON],
        )
        try:
            applied = apply_draft(
                actor=actor_of(request), draft=draft, confirmed=confirmed, origin=origin_of(request)
            )
        except PlanDrifted:
            messages.error(request, _DRIFTED)
        except BatchError as error:
            messages.error(request, f"Nothing was applied: {error}.")
        else:
            return _to("audit_operation_change", applied.operation.pk)
        return _to("tasks_task_draft_preview", draft.pk)


_DRIFTED = "Nothing was applied: what you confirmed is not what would happen now. Look again."


def _open(request: HttpRequest, draft_id: UUID) -> Draft:
    """Return the visitor's draft, which has not been applied."""
    draft = open_draft(actor=actor_of(request), draft_id=draft_id)
    if draft.operation:
        raise DraftUsed(draft.operation)
    return draft


def _answering(change: Change[Any], overwrite: str | None) -> Change[Any]:
    """Return an undo with the answer to what shall happen to what has been changed since."""
    if overwrite is None or not isinstance(change, Restore):
        return change
    return replace(change, overwrite=overwrite == "yes")


def _chosen(draft: Draft) -> ChosenTasks:
    return ChosenTasks(actor=draft.actor, uids=draft.uids)


def _to_list() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:tasks_task_changelist"))


def _to(page: str, key: UUID) -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:{page}", args=[key]))
