"""Types lines into an interactive shell on a terminal, as a person does, and prints what the terminal shows.

usage: press-tab.py LINES SHELL [ARG...]

LINES is a JSON list of texts, where a tab is the key. The prompt of the shell must be READY> (written otherwise in its
startup file, for the terminal may show that file).
"""

import json
import os
import pty
import select
import sys

PROMPT = b"READY>"
SECONDS = 60


def wait_for_prompt(terminal, seen):
    """Reads on until a prompt, and returns what stands after it."""
    while PROMPT not in seen:
        readable, _, _ = select.select([terminal], [], [], SECONDS)
        if not readable:
            sys.exit("no prompt, but " + repr(seen))
        chunk = os.read(terminal, 4096)
        sys.stdout.buffer.write(chunk)
        seen += chunk
    return seen.split(PROMPT, 1)[1]


def main():
    shell, terminal = pty.fork()
    if shell == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    seen = b""
    for line in json.loads(sys.argv[1]) + ["exit"]:
        seen = wait_for_prompt(terminal, seen)
        os.write(terminal, line.encode() + b"\n")
    os.waitpid(shell, 0)


main()
