"""What is wrong with a patch is told early, at its line, and blocks only what nobody could take."""

import json
from typing import Any

import pytest

from tasks.admin.patch_problems import Finding, findings, read_patch
from tasks.present_settings import TypeNamed
from tests.conftest import Governed
from tests.visitors import page, visit


def typed(name: str, **properties: Any) -> TypeNamed:
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return TypeNamed(len(name), name, json.dumps(schema))


SMALL = typed(
    "A", size={"type": "integer", "maximum": 5}, token={"type": "string", "writeOnly": True}
)
LARGE = typed("Large", size={"type": "integer", "maximum": 9}, colour={"type": "string"})


def test_what_all_types_refuse_blocks_and_what_some_refuse_names_them() -> None:
    everywhere, somewhere = findings(types=[SMALL, LARGE], patch={"size": "x", "colour": "red"})
    assert everywhere == Finding("/colour", "there is no such setting (in A)", blocks=False)
    assert (somewhere.pointer, somewhere.blocks) == ("/size", True)


def test_what_all_types_refuse_in_their_own_words_blocks() -> None:
    found = findings(types=[SMALL, LARGE], patch={"size": 10})
    assert [each.blocks for each in found] == [True, True]
    assert not any(each.blocks for each in findings(types=[SMALL, LARGE], patch={"size": 7}))


def test_what_no_type_may_hold_blocks_without_any_type() -> None:
    assert findings(types=[], patch={"x": 1}) == []
    (found,) = findings(types=[], patch={"x": f"secret:{'0' * 32}"})
    assert found.blocks
    assert "names a stored secret" in found.message


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{\n  "size": 1,\n}', 3, "not JSON"),
        ('{\n  "size": 1,\n  "size": 2\n}', 3, "more than once"),
        ('{\n  "size":\n    "x"\n}', 2, "integer"),
        ('{\n  "a": {\n  }\n}', 2, "there is no such setting"),
        ('{\n\n  "token": "correct horse"}', 3, "has a field of its own"),
        ("[1]", 1, "must be a JSON object"),
        ("", 1, "empty"),
        ("[" * 100_000, 1, "nested"),
    ],
)
def test_a_problem_is_told_at_its_line(text: str, line: int, says: str) -> None:
    (problem,) = read_patch(text=text, types=[SMALL]).problems
    assert (problem.line, problem.blocks) == (line, True)
    assert says in problem.message
    assert "correct horse" not in problem.message


def test_a_patch_without_problems_is_read() -> None:
    assert read_patch(text='{"token": null, "size": 5}', types=[SMALL]) == (
        {"token": None, "size": 5},
        [],
    )


def test_a_text_is_checked_while_it_is_written(governed: Governed) -> None:
    address, types = page("tasks_task_check_patch"), str(governed.task_type.pk)
    text = '{\n  "colour": 1,\n  "notifications": {}\n}'
    answer = visit(governed.developer).post(address, {"text": text, "types": types})
    message = "there is no such setting"
    problem = {"line": 2, "column": 3, "message": message, "blocks": True}
    assert answer.json() == {"problems": [problem]}


def test_who_sees_no_task_types_learns_nothing_of_them(governed: Governed) -> None:
    sent = {"text": '{"colour": 1}', "types": str(governed.task_type.pk)}
    client = visit(governed.outsider)
    answer = client.post(page("tasks_task_check_patch"), sent)
    assert answer.json() == {"problems": []}
    assert client.get(page("tasks_task_check_patch")).status_code == 405
