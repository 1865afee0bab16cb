"""What the admin's pages of this app show to whom."""

from django.db.models import QuerySet
from django.http import HttpRequest

from audit.admin.requests import actor_of
from audit.visibility import may_audit
from permissions.models import ApiToken, PermissionMatrix, Role
from tasks.models import Project
from tasks.visibility import readable_projects, visible_projects


def projects_for(request: HttpRequest) -> QuerySet[Project]:
    """Return the projects that the visitor has anything to do with; to auditors, all."""
    return readable_projects(actor=actor_of(request)).select_related("created_by")


def roles_for(request: HttpRequest) -> QuerySet[Role]:
    """Return the roles of those projects."""
    roles = Role.objects.select_related("project")
    if may_audit(actor=actor_of(request)):
        return roles
    return roles.filter(project__in=visible_projects(actor=actor_of(request)))


def matrices_for(request: HttpRequest) -> QuerySet[PermissionMatrix]:
    """Return the matrices of those projects."""
    matrices = PermissionMatrix.objects.select_related("project")
    if may_audit(actor=actor_of(request)):
        return matrices
    return matrices.filter(project__in=visible_projects(actor=actor_of(request)))


def tokens_for(request: HttpRequest) -> QuerySet[ApiToken]:
    """Return the visitor's own tokens; to superusers, everybody's."""
    tokens = ApiToken.objects.select_related("owner")
    actor = actor_of(request)
    return tokens if actor.is_superuser else tokens.filter(owner=actor)
