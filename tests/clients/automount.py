#!/usr/bin/env python3
"""Does what systemd does for x-systemd.automount: automount.py DIRECTORY CERTFS ARGS...

Whoever looks into the directory waits until it is mounted, except for the process group that mounts it;
when it is unmounted nobody has looked, or it would be mounted again. Prints what happened.
"""
import ctypes
import fcntl
import os
import signal
import struct
import subprocess
import sys
import time

READY, CATATONIC = 0x9360, 0x9362  # linux/auto_fs.h

where, *command = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
os.setpgid(0, 0)
requests, kernel = os.pipe()
os.set_blocking(requests, True)
options = f'fd={kernel},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct'
if libc.mount(b'automount', where.encode(), b'autofs', 0, options.encode()) < 0:
    print('no autofs here:', os.strerror(ctypes.get_errno()))
    sys.exit()
os.close(kernel)
place = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
visitor = subprocess.Popen(['ls', where], start_new_session=True, stdout=subprocess.PIPE, text=True)


def give_up(_signal, _frame):
    fcntl.ioctl(place, CATATONIC)
    sys.exit('it waits for itself')


def processes():
    """The process ids of the mount."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as line:
                words = line.read().split(b'\0')
        except OSError:
            continue
        if words[0] == command[0].encode() and where.encode() in words:
            found.append(pid)
    return found


signal.signal(signal.SIGALRM, give_up)
signal.alarm(60)
token = struct.unpack_from('=iiI', os.read(requests, 4096))[2]
print('mounted', subprocess.call(command))
fcntl.ioctl(place, READY, token)
print('README.txt' in visitor.communicate()[0].split())
print(len(processes()), 'processes')
print('unmounted', subprocess.call(['umount', where]))
while processes():
    time.sleep(0.1)
os.set_blocking(requests, False)
try:
    os.read(requests, 4096)
    print('somebody looked')
except BlockingIOError:
    print('nobody looked')
fcntl.ioctl(place, CATATONIC)
