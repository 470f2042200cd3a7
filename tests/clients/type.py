#!/usr/bin/env python3
"""Types into a program of the terminal as a person does: type.py PROGRAM ARGS -- STEP...

A STEP is `wait TEXT`, until the program has shown TEXT; `quiet`, until it waits for the next key; or
`type KEYS`, with C escapes. The exit status is the program's; 124 where it did not get on within a
minute, with what it showed last on stderr.
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

# The system calls in which a program waits for a key. A reading one counts where it reads its terminal.
WAITS = {
    'x86_64': {'read': 0, 'poll': 7, 'select': 23, 'pselect6': 270, 'ppoll': 271, 'epoll_wait': 232},
    'aarch64': {'read': 63, 'pselect6': 72, 'ppoll': 73, 'epoll_pwait': 22},
}.get(os.uname().machine, {})


def asleep(pid):
    """How often the program fell asleep so far, where it waits for input now; None where it doesn't,
    and -1 where that can't be known."""
    try:
        with open(f'/proc/{pid}/syscall') as file:
            call = file.read().split()
        with open(f'/proc/{pid}/status') as file:
            count = re.search(r'^voluntary_ctxt_switches:\s*(\d+)', file.read(), re.M)
    except OSError:
        return -1
    if not WAITS or not count or not call:
        return -1
    if call[0] not in map(str, WAITS.values()):
        return None
    if call[0] == str(WAITS['read']) and int(call[1], 16) > 2:
        return None
    return int(count.group(1))


def main():
    split = sys.argv.index('--')
    program, steps = sys.argv[1:split], sys.argv[split + 1:]
    pid, fd = pty.fork()
    if pid == 0:
        # Here, before it starts: one that hears of it later draws its screen again and forgets keys.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        os.environ.update(TERM='xterm', LINES='24', COLUMNS='80', LC_ALL='C.UTF-8')
        os.execvp(program[0], program)
    shown = b''
    seen = 0
    typed = -1 # how often it had fallen asleep when it was typed into

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
            # Twice the same, with nothing shown between: it sleeps and has taken what was typed. One
            # that wakes up by itself all the time, or can't be looked into, is only silent.
            before = None
            since = time.monotonic()
            while True:
                got = more(0.1)
                now = asleep(pid)
                if got is None or (now not in (None, -1) and now == before and now > typed):
                    break
                if got:
                    since = time.monotonic()
                if now is not None and time.monotonic() - since > 2:
                    break
                if time.monotonic() > deadline:
                    give_up(step)
                before = None if got else now
        else:
            seen = len(plain())
            typed = asleep(pid) or -1
            os.write(fd, rest.encode().decode('unicode_escape').encode('latin-1'))
    deadline = time.monotonic() + LIMIT
    while more(0.2) is not None:
        if time.monotonic() > deadline:
            give_up('the end')
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
