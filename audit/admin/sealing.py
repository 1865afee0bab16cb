"""The newest seal as a file: what an auditor keeps, to prove later that nothing was altered."""

from django.http import Http404, HttpRequest, HttpResponse

from audit.admin.requests import actor_of
from audit.proof.checkpoints import checkpoint_text
from audit.proof.seal_documents import newest_seal
from audit.visibility import may_audit


def checkpoint(request: HttpRequest) -> HttpResponse:
    """Send the newest seal as `manage.py export_checkpoint` writes it, to auditors.

    Raises:
        Http404: the visitor is no auditor, or nothing is sealed yet.
    """
    seal = newest_seal() if may_audit(actor=actor_of(request)) else None
    if seal is None:
        raise Http404
    return HttpResponse(
        checkpoint_text(seal),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="seal-{seal.number}.json"'},
    )
