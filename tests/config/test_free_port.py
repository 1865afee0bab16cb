import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from config.free_port import HOST, PortUnavailable, require_free_port


@pytest.fixture
def busy_port() -> Iterator[str]:
    with socket.create_server((HOST, 0)) as server:
        yield str(server.getsockname()[1])


def test_a_free_port_is_returned_as_a_number(busy_port: str) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]

    assert require_free_port(host=HOST, port=str(port)) == port != int(busy_port)


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "٣"])
def test_what_is_no_port_number_is_refused(port: str) -> None:
    with pytest.raises(PortUnavailable, match="number from 1 to 65535"):
        require_free_port(host=HOST, port=port)


def test_a_busy_port_is_named_in_one_sentence_without_any_package(busy_port: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "config.free_port", busy_port],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Port {busy_port} on 127.0.0.1 cannot be used")
    assert ended.stderr.count("\n") == 1
