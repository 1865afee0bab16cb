"""How the OpenAPI document describes the endpoint: the vendor's names, and what is read leniently."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from permissions.api.batch import MAX_PERMISSIONS
from permissions.flags import Flag
from tasks.api.openapi import PLAN, BatchDescription, component


_FLAG: dict[str, Any] = {"type": ["boolean", "null"]}
_ROLE_PERMISSION = component(
    "RolePermission",
    {
        "type": "object",
        "required": ["role_id"],
        "properties": {
            "role_id": {
                "description": "The role's code, as a number or as its text.",
                "oneOf": [
                    {"type": "integer", "minimum": -999_999_999, "maximum": 999_999_999},
                    {"type": "string", "pattern": "^-?[0-9]{1,9}$"},
                ],
            },
            "devuc_role_id": {
                "type": ["string", "null"],
                "maxLength": 40,
                "description": "The role's key in the user centre; must not name another role.",
            },
            **{
                flag.vendor_name: {
                    **_FLAG,
                    "description": f"{flag.label}; null leaves it as it is.",
                }
                for flag in Flag
            },
            "id": {"description": "Ignored."},
            "role_name": {"description": "Ignored."},
            "count": {"description": "Ignored."},
        },
    },
)
_PERMISSIONS_UPDATE = component(
    "PermissionsUpdate",
    {
        "type": "object",
        "required": ["job_ids"],
        "properties": {
            "project_id": {
                "type": ["string", "null"],
                "pattern": "^[0-9a-zA-Z]{32}$",
                "description": "If given, every task must be in this project.",
            },
            "job_ids": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20_000,
                "items": {"type": "string", "pattern": "^([0-9a-fA-F]{24}|[0-9a-fA-F]{32})$"},
                "description": "The ids of the tasks.",
            },
            "project_switch": {
                "type": ["boolean", "null"],
                "description": (
                    "true: follow the project's permissions; false: have permissions of their own."
                ),
            },
            "permissions": {
                "type": ["array", "null"],
                "maxItems": MAX_PERMISSIONS,
                "items": _ROLE_PERMISSION,
                "description": "Roles and flags that are not named stay as they are.",
            },
        },
    },
)
_RESULT = component(
    "CodeArtsResult",
    {
        "type": "object",
        "required": ["result", "error", "status"],
        "properties": {
            "result": {"type": "null"},
            "error": {"type": "null"},
            "status": {"const": "success"},
            "operation": {"type": "string", "description": "Which operation waits (202 alone)."},
            "plan": PLAN,
        },
    },
)
_FAILURE = component(
    "CodeArtsFailure",
    {
        "type": "object",
        "required": ["error_code", "error_msg"],
        "properties": {
            "error_code": {"type": "string", "examples": ["CB.00060200"]},
            "error_msg": {
                "type": "string",
                "description": "What is wrong, and with which tasks.",
            },
            "plan": PLAN,
        },
    },
)

PERMISSIONS_BATCH = BatchDescription(
    operation_id="update_task_permissions",
    summary="Change role permissions of many tasks",
    description=(
        "Sets flags of roles on every task, and whether the tasks follow their project. A task that"
        " follows leaves its project when rows are sent without the switch. All tasks change, or none."
    ),
    tag="permissions",
    body=_PERMISSIONS_UPDATE,
    result=_RESULT,
    failure=_FAILURE,
    examples=[
        OpenApiExample(
            "Two roles on two tasks",
            {
                "project_id": "6823252f543d4915b49892a5fd9f0ec3",
                "job_ids": [
                    "6a027563492d4d0894eda9ed187d0f5b",
                    "2f211929d0c543feb38824a665ad7fcb",
                ],
                "permissions": [
                    {"role_id": 4, "is_execute": True, "is_delete": False},
                    {"role_id": 8, "is_view": True},
                ],
            },
            request_only=True,
        )
    ],
)
