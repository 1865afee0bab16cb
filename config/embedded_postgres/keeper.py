"""Stop the server after its last user: run as a process of its own, with nothing but this file."""

import fcntl
import os
import signal
import subprocess
import sys
import time


def main(*, uid: int, gid: int, locks: tuple[int, int, int], stop: list[str]) -> None:
    """Wait until no process holds `users.lock`, then stop the server."""
    keeper_lock, users_lock, server_lock = locks
    if os.fork():
        return  # whoever started this need neither wait for it nor bury it
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # It ends by itself, and not before the server's last user.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    fcntl.flock(users_lock, fcntl.LOCK_EX)
    deadline = time.monotonic() + 60
    while _is_locked(server_lock) and time.monotonic() < deadline:
        # It fails while the server is about to start, without harm.
        subprocess.run(stop, check=False)
        time.sleep(0.05)
    # First: the next user, let in when `users.lock` goes with this process, starts a keeper then.
    os.close(keeper_lock)


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


if __name__ == "__main__":
    _uid, _gid, *_locks = map(int, sys.argv[1:6])
    main(uid=_uid, gid=_gid, locks=(_locks[0], _locks[1], _locks[2]), stop=sys.argv[6:])
