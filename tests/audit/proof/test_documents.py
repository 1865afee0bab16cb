"""Documents have the form of RFC 8785, and no two rows have the same one."""

import json

import pytest
import rfc8785
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit.models import Operation
from audit.proof.documents import OPERATIONS, documents_of, present_layout
from tests.audit.sealed import execute
from tests.conftest import Governed
from tests.tracked import HISTORIES


# What PostgreSQL can hold: no NUL, no lone surrogates.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def documents(operation: Operation) -> dict[tuple[str, int], bytes]:
    with transaction.atomic():
        found = list(documents_of([operation.pk], layout=present_layout()))
    return {(document.table, document.key): document.text for document in found}


def test_the_layout_has_every_column_of_operations_and_of_all_history() -> None:
    layout = present_layout()
    assert layout.keys() == {OPERATIONS, *(history._meta.db_table for history in HISTORIES)}
    assert {"state", "actor_id", "parameters", "reverts_id"} < set(layout[OPERATIONS])
    for history in HISTORIES:
        columns = set(layout[history._meta.db_table])
        assert columns == {field.column for field in history._meta.concrete_fields}
        assert {"history_id", "operation_id", "history_date"} < columns


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(reason=TEXTS, parameters=VALUES)
@example(
    reason='\x01\x1f\x7f\b\f\n\r\t"\\/\u2028\ufeff\U0001f600é',
    parameters={"€": 1e300, "\ue000": -0.0},
)
def test_a_document_is_canonical_json(governed: Governed, reason: str, parameters: object) -> None:
    with transaction.atomic():
        operation = Operation.objects.get()
        operation.pk = Operation().pk
        operation.reason, operation.parameters = reason, {"value": parameters}
        operation.save(force_insert=True)
        text = documents(operation)[OPERATIONS, 0]
        said = json.loads(text)
        assert rfc8785.dumps(said) == text
        assert said["row"]["reason"] == reason
        in_database = "SELECT parameters::text FROM audit_operation WHERE id = %s"
        assert [(said["row"]["parameters"],)] == execute(in_database, [operation.pk])
        transaction.set_rollback(True)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("style", ["ISO, MDY", "German, DMY", "SQL, DMY"])
def test_documents_do_not_depend_on_the_session(governed: Governed, zone: str, style: str) -> None:
    operation = Operation.objects.get()
    before = documents(operation)
    assert len(before) > 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        cursor.execute("SELECT set_config('DateStyle', %s, false)", [style])
    assert documents(operation) == before
    for (table, _), text in before.items():
        said = json.loads(text)
        assert said["table"] == table
        assert {type(value) for value in said["row"].values()} <= {str, type(None)}
        assert rfc8785.dumps(said) == text
