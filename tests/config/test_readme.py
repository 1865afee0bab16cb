from pathlib import Path

from django.conf import settings


README = Path(settings.BASE_DIR, "README.md").read_text()


def test_every_folder_of_code_is_on_the_map() -> None:
    folders = {path.parent.name for path in Path(settings.BASE_DIR).glob("*/__init__.py")}

    assert {"audit", "config", "permissions", "tasks", "tests"} == folders
    assert sorted(folder for folder in folders if f"| `{folder}/` |" not in README) == []
