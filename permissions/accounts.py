"""What is tracked of accounts and groups: all of it that decides who may do what.

Their tables are Django's, and Django, its libraries and commands write them too. So triggers write
their history (migration `0004_account_history`): under the operation at hand or, without one, under
one of its own on the channel "database". Passwords, and who people are, are nobody's history; that a
password was set is an event (`permissions.sign_ins`), and from outside an operation (`0010_credentials`).
"""

from django.contrib.auth.models import Group, User
from django.db.models import Index, Q

from audit.history import track_by_trigger


HistoricalUser = track_by_trigger(
    User,
    app="permissions",
    excluded_fields=("password", "last_login", "first_name", "last_name", "email", "date_joined"),
    indexed=[
        Index(fields=["username"], name="user_name"),
        Index(fields=["id"], name="user_once_superuser", condition=Q(is_superuser=True)),
    ],
)
HistoricalGroup = track_by_trigger(Group, app="permissions")
HistoricalGroupMember = track_by_trigger(
    User.groups.through,
    app="permissions",
    indexed=[
        Index(fields=["user"], name="user_groups_user"),
        Index(fields=["group"], name="user_groups_group"),
    ],
)
# What Django's own pages and the audit trail ask: permissions on models as a whole.
HistoricalUserPermission = track_by_trigger(User.user_permissions.through, app="permissions")
HistoricalGroupPermission = track_by_trigger(Group.permissions.through, app="permissions")
