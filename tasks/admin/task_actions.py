"""The bulk actions on tasks themselves; loading this registers them."""

from audit.admin.result import Wording, word_results
from tasks.admin.bulk_actions import BulkAction, register_bulk_action
from tasks.admin.settings_form import SettingsForm
from tasks.admin.state_forms import DisableForm, EnableForm, RecycleForm, RestoreForm
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled, UpdateSettings


for action in (
    BulkAction(
        name="change_settings",
        label="Change settings",
        icon="tune",
        right=UpdateSettings.right,
        place=10,
        form=SettingsForm,
    ),
    BulkAction(
        name="enable",
        label="Enable",
        icon="toggle_on",
        right=SetEnabled.right,
        place=40,
        form=EnableForm,
        suits=lambda task: not task.enabled,
    ),
    BulkAction(
        name="disable",
        label="Disable",
        icon="toggle_off",
        right=SetEnabled.right,
        place=41,
        form=DisableForm,
        suits=lambda task: task.enabled,
    ),
    BulkAction(
        name="recycle",
        label="Move to the recycle bin",
        icon="delete",
        right=RecycleTasks.right,
        place=60,
        form=RecycleForm,
    ),
    BulkAction(
        name="restore",
        label="Restore from the recycle bin",
        icon="restore_from_trash",
        right=RestoreTasks.right,
        place=61,
        form=RestoreForm,
        in_bin=True,
    ),
    BulkAction(
        name="export",
        label="Export",
        icon="download",
        right="view_task",
        place=70,
        page="tasks_task_draft_export",
    ),
):
    register_bulk_action(action)
word_results(kind=RecycleTasks.kind, wording=Wording(done="moved to the recycle bin"))
word_results(kind=RestoreTasks.kind, wording=Wording(done="restored"))
