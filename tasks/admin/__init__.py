"""The admin's pages of tasks and task types, and what is done to many tasks."""

from tasks.admin import operation_filters as operation_filters
from tasks.admin import operation_pages as operation_pages
from tasks.admin import operation_words as operation_words
from tasks.admin import refused as refused
from tasks.admin import task_actions as task_actions
from tasks.admin import task_panels as task_panels
from tasks.admin import task_types as task_types
from tasks.admin import tasks as tasks
