"""The tutorial, typed into a shell as it stands, against a real server with the demo."""

import re
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from audit.models import Operation, State
from tasks.changes import RestoreSettings, UpdateSettings
from tests.journeys.live import ROOT, web_server
from tests.tokens import issue


TUTORIAL = ROOT / "docs/tutorial/first-batch.md"


@pytest.mark.django_db(transaction=True)
def test_every_step_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    User.objects.create_superuser("admin", password="of the test")
    call_command("load_demo", verbosity=0)
    token = issue(User.objects.get(username="manager"))
    (tmp_path / "var").mkdir()
    (tmp_path / "var/demo_token").write_text(token.secret)
    steps = re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(), flags=re.DOTALL)
    with web_server() as server:
        script = "\necho\n".join(steps).replace("http://127.0.0.1:8000", server.url)
        typed = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    answers = [line for line in typed.stdout.splitlines() if line]
    assert "2 of 2 tasks would be changed; nothing was changed." in answers[0]
    assert "The update operation has been completed." in answers[1]
    assert '"state":"applied"' in answers[2]
    assert "settings_invalid" in answers[3]
    assert "not_found" in answers[3]
    assert "has been undone" in answers[4]
    mine = Operation.objects.filter(token_id=token.token.pk).order_by("created_at")
    assert [(operation.kind, operation.state) for operation in mine] == [
        (UpdateSettings.kind, State.APPLIED),
        (UpdateSettings.kind, State.REFUSED),
        (RestoreSettings.kind, State.APPLIED),
    ]
