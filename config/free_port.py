"""Is the port free? Asked before anything is installed, so the standard library must do."""

import socket
import sys


HOST = "127.0.0.1"


class PortUnavailable(Exception):
    """The port cannot be listened on."""


def require_free_port(*, host: str, port: str) -> int:
    """Return the number of a port that can be listened on now.

    Raises:
        PortUnavailable: It is no port number, in use, or not ours to take.
    """
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        raise PortUnavailable(f"PORT must be a number from 1 to 65535, not {port!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise PortUnavailable(
                f"Port {port} on {host} cannot be used: {error.strerror}. "
                "Choose another one: make run PORT=8001"
            ) from error
    return int(port)


if __name__ == "__main__":
    try:
        require_free_port(host=HOST, port=sys.argv[1])
    except PortUnavailable as unavailable:
        sys.exit(str(unavailable))
