"""Both batch endpoints over HTTP against their floors, and against guardian's bulk_assign_perm."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.test import Client

from permissions.flags import Flag
from permissions.roles import ADMINISTRATOR, BUILT_IN_ROLES, PROJECT_MANAGER
from tests.benchmarks.estate import Estate
from tests.benchmarks.floors import Floor
from tests.benchmarks.ordinary import BulkAssign
from tests.benchmarks.server import Server, serving
from tests.benchmarks.timing import Result, alternate, counting, forget_peak, peak_mib


SETTINGS_PATH = "/api/v2/settings/tasks"
PERMISSIONS_PATH = "/v1/job/permissions/batch"

GUARDIANS_TASKS = 1_000
OURS_FOR_GUARDIAN = 10_000

# Each body asks for something that no task has yet, in this run or in one before it on the same data.
_turns = count(int(time.time()))


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A vendor's endpoint: where, what to send, and the floor of what it does."""

    name: str
    path: str
    body: Callable[[Estate, Sequence[str]], dict[str, Any]]
    floor: Callable[[Floor], None]


def settings_body(estate: Estate, uids: Sequence[str]) -> dict[str, Any]:
    """Return a patch of settings in two places."""
    del estate
    turn = next(_turns)
    patch = {
        "repository": {"branch": f"release-{turn}"},
        "notifications": {"enabled": turn % 2 == 0},
    }
    return {"target": list(uids), "settings": patch}


def permissions_body(estate: Estate, uids: Sequence[str]) -> dict[str, Any]:
    """Return all seven flags of all twelve roles, in a combination that was not there before."""
    turn = next(_turns)
    return {
        "project_id": estate.project_uid,
        "job_ids": list(uids),
        "project_switch": False,
        "permissions": [
            {"role_id": role.code, **_flags(role.code, index, turn)}
            for index, role in enumerate(BUILT_IN_ROLES)
        ],
    }


def _flags(code: int, index: int, turn: int) -> dict[str, bool]:
    if code in {ADMINISTRATOR, PROJECT_MANAGER}:
        # Always all-true, and the role of the actor, who must not lose the right to go on.
        return {flag.vendor_name: True for flag in Flag}
    # The turn's binary digits, spread over the roles.
    bits = turn >> (index % 3) * 7 ^ index * 11
    return {flag.vendor_name: bool(bits & flag.bit) for flag in Flag}


SETTINGS = Endpoint(name="settings", path=SETTINGS_PATH, body=settings_body, floor=Floor.settings)
PERMISSIONS = Endpoint(
    name="permissions", path=PERMISSIONS_PATH, body=permissions_body, floor=Floor.permissions
)


def measure_endpoint(
    *, endpoint: Endpoint, estate: Estate, token: str, n: int, rounds: int
) -> Result:
    """Measure a batch of n tasks over HTTP, in a server of its own, against its floor."""
    tasks = estate.batch_tasks(n)
    uids = [uid for _, uid in tasks]
    floor = Floor(estate=estate, task_ids=[key for key, _ in tasks])
    statements = _statements(endpoint=endpoint, estate=estate, token=token, uids=uids)
    with serving(token=token) as server:
        bodies = bodies_of(endpoint, estate, uids)
        _warm_up(server, endpoint, bodies)
        ready = [next(bodies) for _ in range(rounds)]
        times = alternate(
            rounds=rounds,
            ours=lambda: server.send(endpoint.path, ready.pop()),
            theirs=lambda: endpoint.floor(floor),
        )
        return Result(
            name=endpoint.name,
            n=n,
            seconds=times.ours,
            floor_seconds=times.theirs,
            ratio=times.ours / times.theirs,
            statements=statements,
            peak_mib=server.peak_mib(),
        )


def measure_guardian(*, estate: Estate, token: str, rounds: int) -> Result:
    """Measure guardian's bulk_assign_perm; the floor is our endpoint's time for as many tasks.

    guardian gets fewer tasks, the best rate that it reaches, nothing to take away before it assigns, and
    no history to write.
    """
    uids = [uid for _, uid in estate.batch_tasks(OURS_FOR_GUARDIAN)]
    assignment = BulkAssign([key for key, _ in estate.batch_tasks(GUARDIANS_TASKS)])
    with serving(token=token) as server:
        bodies = bodies_of(PERMISSIONS, estate, uids)
        _warm_up(server, PERMISSIONS, bodies)
        ready = [next(bodies) for _ in range(rounds)]
        times = alternate(
            rounds=rounds,
            ours=lambda: server.send(PERMISSIONS.path, ready.pop()),
            theirs=assignment.assign,
            before_each=assignment.clear,
        )
    assignment.clear()
    forget_peak()
    with counting() as counted:
        assignment.assign()
        statements = counted()
    assert assignment.count() == len(Flag) * len(BUILT_IN_ROLES) * GUARDIANS_TASKS
    floor = times.ours * GUARDIANS_TASKS / OURS_FOR_GUARDIAN
    return Result(
        name="guardian/bulk_assign_perm",
        n=GUARDIANS_TASKS,
        seconds=times.theirs,
        floor_seconds=floor,
        ratio=times.theirs / floor,
        statements=statements,
        peak_mib=peak_mib(),
    )


def bodies_of(endpoint: Endpoint, estate: Estate, uids: Sequence[str]) -> Iterator[bytes]:
    """Yield bodies for these tasks, each of which asks for something else."""
    while True:
        yield json.dumps(endpoint.body(estate, uids)).encode()


def _warm_up(server: Server, endpoint: Endpoint, bodies: Iterator[bytes]) -> None:
    """Let each of the two workers, and the floor's rows, be used before they count."""
    for _ in range(4):
        server.send(endpoint.path, next(bodies))


def _statements(*, endpoint: Endpoint, estate: Estate, token: str, uids: Sequence[str]) -> int:
    """Count the statements of the same request, handled in this process."""
    client = Client(headers={"Authorization": f"Bearer {token}", "Host": "127.0.0.1"})
    for _ in range(2):
        with counting() as counted:
            answer = client.post(
                endpoint.path, endpoint.body(estate, uids), content_type="application/json"
            )
        assert answer.status_code == 200, answer.content[:1000]
    return counted()
