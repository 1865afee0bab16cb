"""The admin's pages of projects, roles, matrices, tokens and accounts, and parts of others' pages."""

from permissions.admin import accounts as accounts
from permissions.admin import matrices as matrices
from permissions.admin import operation_filters as operation_filters
from permissions.admin import operation_words as operation_words
from permissions.admin import outcomes as outcomes
from permissions.admin import past as past
from permissions.admin import past_person as past_person
from permissions.admin import people as people
from permissions.admin import project_panels as project_panels
from permissions.admin import project_undo_page as project_undo_page
from permissions.admin import projects as projects
from permissions.admin import roles as roles
from permissions.admin import task_actions as task_actions
from permissions.admin import task_filters as task_filters
from permissions.admin import task_history as task_history
from permissions.admin import task_panels as task_panels
from permissions.admin import tokens as tokens
from permissions.admin import why as why
