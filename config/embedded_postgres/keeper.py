"""Stop the server after its last user: run as a process of its own, with nothing but this file."""

import fcntl
import os
import signal
import subprocess
import sys


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
    try:
        fcntl.flock(server_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        subprocess.run(stop, check=False)
    # First: the next user, let in when `users.lock` goes with this process, starts a keeper then.
    os.close(keeper_lock)


if __name__ == "__main__":
    _uid, _gid, *_locks = map(int, sys.argv[1:6])
    main(uid=_uid, gid=_gid, locks=(_locks[0], _locks[1], _locks[2]), stop=sys.argv[6:])
