"""Checks the text of a merge patch while it is being written; it knows no tasks, and changes nothing."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from audit.admin.requests import is_key
from tasks.admin.filters import visible_task_types
from tasks.admin.patch_problems import read_patch
from tasks.present_settings import read_types


# A longer text is checked when it is sent.
_LONGEST = 100_000


@require_POST
def check_patch(request: HttpRequest) -> HttpResponse:
    """Answer what is wrong with the text for the named task types, line by line."""
    text = request.POST.get("text", "")
    named = [key for key in request.POST.get("types", "").split(",") if is_key(key)]
    if len(text) > _LONGEST:
        return JsonResponse({"problems": []}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    visible = visible_task_types(request).filter(pk__in=named).values_list("pk", flat=True)
    read = read_patch(text=text, types=read_types(type_ids=list(visible)))
    return JsonResponse({"problems": [problem._asdict() for problem in read.problems]})
