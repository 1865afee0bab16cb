"""Serve: the web server and the background worker, together until Ctrl-C."""

import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.free_port import HOST, PortUnavailable, require_free_port
from config.supervisor import CouldNotStart, GuardLost, Program, run_together


# What a request or a job in hand may take to finish after Ctrl-C, in seconds. A job cut short is
# found by the worker's periodic search for stalled jobs, and runs again.
GRACE = 30.0


class Command(BaseCommand):
    """Run gunicorn and the worker, start again what dies, and end all together."""

    help = "Serve: gunicorn and the background worker, together until Ctrl-C."
    # The programs check for themselves, and neither needs the database to start.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address to listen on."""
        parser.add_argument("--host", default=HOST)
        parser.add_argument("--port", default="8000")

    def handle(self, *_args: object, host: str, port: str, **_options: object) -> None:
        """Serve until asked to stop.

        Raises:
            CommandError: The port cannot be used, or a program could not start.
        """
        try:
            address = (host, require_free_port(host=host, port=port))
            run_together(
                programs=_programs(address),
                grace=GRACE,
                say=self._say,
                each_tick=_announcer(address, say=self._say),
            )
        except (CouldNotStart, GuardLost, PortUnavailable) as error:
            raise CommandError(str(error)) from error
        self._say("Stopped.")

    def _say(self, line: str) -> None:
        """Print at once, also into a pipe or a file."""
        self.stdout.write(line)
        self.stdout.flush()


def _programs(address: tuple[str, int]) -> list[Program]:
    host, port = address
    folder = settings.BASE_DIR
    gunicorn = ["-m", "gunicorn", "--config", "python:config.gunicorn", "--bind", f"{host}:{port}"]
    worker = ["manage.py", "procrastinate", "worker"]
    programs = {"The web server": [*gunicorn, "config.wsgi"], "The worker": worker}
    return [
        Program(name=name, command=[sys.executable, *arguments], folder=folder)
        for name, arguments in programs.items()
    ]


def _announcer(address: tuple[str, int], *, say: Callable[[str], None]) -> Callable[[], None]:
    """Make a function that says once where the web server answers, when it first does."""
    announced = False

    def announce() -> None:
        nonlocal announced
        if announced:
            return
        with socket.socket() as probe:
            if probe.connect_ex(address) == 0:
                announced = True
                say(f"Serving on http://{address[0]}:{address[1]}/admin/ - Ctrl-C stops it.")

    return announce
