"""What tests of the audit trail share."""

from collections.abc import Iterator

import pytest

from audit.models import Operation
from audit.recorder import administrative_operation
from tests.conftest import ORIGIN, Governed


@pytest.fixture
def operation(governed: Governed) -> Iterator[Operation]:
    """An operation of the manager's, being recorded."""
    with administrative_operation(actor=governed.manager, kind="test", origin=ORIGIN) as operation:
        yield operation
