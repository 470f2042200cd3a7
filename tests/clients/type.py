#!/usr/bin/env python3
"""Types into a program of the terminal as a person does: type.py PROGRAM ARGS -- STEP...

A STEP is `wait TEXT`, until the program has shown TEXT; `quiet`, until it has shown nothing for a
moment; or `type KEYS`, with C escapes. The exit status is the program's; 124 where it did not get on
within a minute, with what it showed last on stderr.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

LIMIT = float(os.environ.get('CERTFS_TEST_WAIT', '60'))


def main():
    split = sys.argv.index('--')
    program, steps = sys.argv[1:split], sys.argv[split + 1:]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM='xterm', LINES='24', COLUMNS='80', LC_ALL='C.UTF-8')
        os.execvp(program[0], program)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    shown = b''
    seen = 0

    def more(seconds):
        """Read what it shows now; False where it shows nothing for so long, None at its end."""
        nonlocal shown
        if not select.select([fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(fd, 65536)
        except OSError:
            return None
        shown += data
        return True if data else None

    def plain():
        """What was shown, without the sequences that move the cursor and choose colours."""
        return re.sub(rb'\x1b(\[[0-?]*[ -/]*[@-~]|[()].|[=>]|\][^\x07]*\x07)', b'', shown)

    def give_up(step):
        print(f'{program[0]}: stuck at "{step}"; shown last:\n'
              f'{plain()[-2000:].decode(errors="replace")}', file=sys.stderr)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        sys.exit(124)

    for step in steps:
        deadline = time.monotonic() + LIMIT
        word, _, rest = step.partition(' ')
        if word == 'wait':
            while rest.encode() not in plain()[seen:]:
                if more(0.2) is None or time.monotonic() > deadline:
                    give_up(step)
            seen = len(plain())
        elif word == 'quiet':
            while more(1.0):
                if time.monotonic() > deadline:
                    give_up(step)
        else:
            seen = len(plain())
            os.write(fd, rest.encode().decode('unicode_escape').encode('latin-1'))
    deadline = time.monotonic() + LIMIT
    while more(0.2) is not None:
        if time.monotonic() > deadline:
            give_up('the end')
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
