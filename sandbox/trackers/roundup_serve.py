"""Run Roundup's server until standard input ends: it never outlives whoever started it.

    python -m sandbox.trackers.roundup_serve OPTIONS

A killed parent closes the pipe. A parent-death signal would be lost with root's privileges.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from roundup.scripts import roundup_server


def _end_with_the_pipe() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Command line entry; the options are Roundup's."""
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    roundup_server.run()


if __name__ == "__main__":
    main()
