import re
from pathlib import Path

from django.conf import settings


README = Path(settings.BASE_DIR, "README.md").read_text()


def test_every_environment_variable_is_in_the_readme() -> None:
    reading = re.compile(r"\benvironment\.\w+\(\s*[\"']([A-Z_]+)[\"']")
    sources = Path(settings.BASE_DIR, "config").rglob("*.py")
    read = {name for source in sources for name in reading.findall(source.read_text())}

    assert {"DATABASE_URL", "SECRET_KEY"} <= read
    assert sorted(name for name in read if f"`{name}`" not in README) == []


def test_every_folder_of_code_is_on_the_map() -> None:
    folders = {path.parent.name for path in Path(settings.BASE_DIR).glob("*/__init__.py")}

    assert {"audit", "config", "permissions", "tasks", "tests"} == folders
    assert sorted(folder for folder in folders if f"| `{folder}/` |" not in README) == []
