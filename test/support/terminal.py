"""Runs a command on a terminal of its own and talks to it. terminal.py STEPS COMMAND...

STEPS is a JSON array of {"wait": REGEX} | {"send": TEXT} | {"size": [ROWS, COLUMNS]}. Prints {"exitCode", "output"} as JSON.
"""
import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

DEADLINE = time.monotonic() + 45


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        if steps and "size" in steps[0]:
            resize(0, *steps[0]["size"])
        os.execvp(command[0], command)
    output, seen = "", 0

    def read():
        nonlocal output
        ready, _, _ = select.select([terminal], [], [], max(0, DEADLINE - time.monotonic()))
        if not ready:
            sys.exit(f"nothing more came in time; so far: {output!r}")
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            chunk = b""
        output += chunk.decode(errors="replace")
        return chunk != b""

    for step in steps:
        if "size" in step:
            resize(terminal, *step["size"])
        elif "send" in step:
            os.write(terminal, step["send"].encode())
        else:
            while not (found := re.search(step["wait"], output[seen:])):
                if not read():
                    sys.exit(f"ended before {step['wait']!r}; said: {output!r}")
            seen += found.end()
    while read():
        pass
    _, status = os.waitpid(child, 0)
    print(json.dumps({"exitCode": os.waitstatus_to_exitcode(status), "output": output}))


main()
