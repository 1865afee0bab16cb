"""gunicorn's settings: `gunicorn --config python:config.gunicorn config.wsgi`."""

import gc
import os

from config import environment


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

bind = [f"127.0.0.1:{environment.number('PORT', default=8000)}"]
worker_class = "gthread"
workers = environment.number("WEB_WORKERS", default=2)
threads = environment.number("WEB_THREADS", default=4)

# Loaded once and then forked: the workers share the code's memory, and a mistake in the settings
# ends the start instead of each worker. Nothing may touch the database before the fork, or the
# workers would share its connections.
preload_app = True

# A thread holds one connection at most, so a larger pool would be of no use.
os.environ.setdefault("DATABASE_POOL", str(threads))

# A worker whose threads are all stuck for this long is replaced.
timeout = 60
graceful_timeout = 20
keepalive = 5

# By default gunicorn opens a socket for remote control in the home folder.
control_socket_disable = True


def when_ready(_server: object) -> None:
    """Leave what is loaded out of every later search for garbage, and its memory shared.

    A batch makes so many objects that each second one would search all of Django: 70 ms, not 7.
    """
    gc.collect()
    gc.freeze()
