"""Runs a command and prints, as JSON, how long it took, how long processors worked on it, the peak of its memory,
and what it printed.

    python3 run-measured.py SECONDS COMMAND...

After SECONDS the command is killed, by its process id.
"""

import json
import os
import signal
import sys
import tempfile
import time


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        child = os.posix_spawnp(
            command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        )
        signal.signal(signal.SIGALRM, lambda _signal, _frame: os.kill(child, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, limit)
        _, status, usage = os.wait4(child, 0)
        elapsed = time.monotonic() - start
        stopped = elapsed >= limit
        if status != 0 and not stopped:
            sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
        output.seek(0)
        printed = output.read().decode()
    cpu = usage.ru_utime + usage.ru_stime
    result = {
        "milliseconds": elapsed * 1000,
        "cpu": cpu * 1000,
        "megabytes": usage.ru_maxrss / 1024,
        "stopped": stopped,
    }
    print(json.dumps({**result, "stdout": printed}))


main()
