"""Why?: choose a user and a flag, and read why that user may or may not.

Who may ask about whom is `permissions.explain.askable`'s to say. A name that nobody has and one that the
visitor may not ask about are answered alike.
"""

from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit.admin.base import BaseAdmin
from audit.admin.panels import FurtherPage, Panel, register_page, register_panel
from audit.admin.requests import actor_of, is_key
from audit.visibility import may_audit
from permissions.admin.grids import FLAG_LABELS
from permissions.admin.why_words import answer_of, matrix_in_words, rows_of
from permissions.explain import Askable, Extent, askable, explain
from permissions.flags import BY_CODENAME, Flag
from tasks.models import Task


# So many names are suggested.
_SUGGESTED = 20

_WHOM = {
    Extent.NOBODY: "",
    Extent.SELF: "You may ask about yourself. Who may manage the task's permissions may ask about"
    " everybody in its project.",
    Extent.PROJECT: "The name of somebody in the project. Others hold nothing here, unless they are"
    " superusers.",
    Extent.EVERYBODY: "The name of any account.",
}


class WhyForm(forms.Form):
    """Whom and what the question is about."""

    user = forms.CharField(
        max_length=150,
        label="User",
        widget=UnfoldAdminTextInputWidget(
            attrs={"list": "why-people", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    flag = forms.ChoiceField(
        choices=[(flag.codename, flag.label) for flag in Flag],
        label="Flag",
        widget=UnfoldAdminSelectWidget(),
    )

    def asked_about(self, among: Askable) -> User | None:
        """Return the user, or note that there is none to ask about."""
        found = among.users.filter(username=self.cleaned_data["user"]).first()
        if found is None:
            self.add_error("user", "There is nobody of this name about whom you may ask.")
        return found


class Question(NamedTuple):
    """The form of the question, where it is sent, and where names are suggested."""

    form: WhyForm
    address: str
    names_from: str
    whom: str = ""


def why(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show the question and, once it is asked, the answer.

    Raises:
        Http404: there is no such task, or the visitor may not know of it.
    """
    shown = page.get_object(request, object_id)
    task = _task(request, object_id, shown)
    among = askable(actor=actor_of(request), task=task)
    is_asked = "user" in request.GET
    form = WhyForm(request.GET if is_asked else None, initial={"user": request.user})
    user = form.asked_about(among) if is_asked and form.is_valid() else None
    context = {
        # An auditor, who may not view the task, gets no way to its page.
        "original": shown,
        "title": str(task.name),
        "question": _question(task, form, whom=_WHOM[among.extent]),
        "answer": _answer(task, user, BY_CODENAME[form.cleaned_data["flag"]]) if user else None,
    }
    return page.render(request, "admin/why.html", context)


def people(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Suggest the names that begin so, of those about whom the visitor may ask.

    Raises:
        Http404: there is no such task, or the visitor may not know of it.
    """
    task = _task(request, object_id, page.get_object(request, object_id))
    term = request.GET.get("q", "").replace("\0", "")
    users = askable(actor=actor_of(request), task=task).users.filter(username__istartswith=term)
    names = users.order_by("username").values_list("username", flat=True)[:_SUGGESTED]
    return JsonResponse({"names": list(names)})


def _task(request: HttpRequest, object_id: str, shown: Any) -> Task:
    if shown is None and is_key(object_id) and may_audit(actor=actor_of(request)):
        shown = Task.objects.filter(pk=object_id).first()
    if not isinstance(shown, Task):
        raise Http404
    return shown


def _question(task: Task, form: WhyForm, whom: str = "") -> Question:
    return Question(
        form,
        reverse("admin:tasks_task_why", args=[task.pk]),
        reverse("admin:tasks_task_why_people", args=[task.pk]),
        whom,
    )


def _answer(task: Task, user: User, flag: Flag) -> dict[str, Any]:
    explanation = explain(user=user, task=task)
    return {
        "words": answer_of(
            explanation=explanation, username=user.get_username(), flag=flag, task=task
        ),
        "rows": rows_of(explanation=explanation, flag=flag),
        "flags": [(label, label == flag.label) for label in FLAG_LABELS],
        "matrix": matrix_in_words(explanation),
        "matrix_id": explanation.matrix_id,
        "follows": explanation.follows,
        "flag": flag,
    }


def _panel(request: HttpRequest, task: Task) -> Question:
    return _question(task, WhyForm(initial={"user": request.user}))


register_page(Task, FurtherPage("why", why))
register_page(Task, FurtherPage("why/people", people))
register_panel(Task, Panel("Why?", "admin/panels/why.html", _panel, script="bulkhead/names.js"))
