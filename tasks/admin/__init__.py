"""The admin's pages of tasks and task types."""

from tasks.admin import operation_pages as operation_pages
from tasks.admin import refused as refused
from tasks.admin import task_types as task_types
from tasks.admin import tasks as tasks
