#!/usr/bin/env python3
"""Starts certfs as systemd starts a service: manager.py NOTIFY-SOCKET journal|elsewhere CERTFS ARGS...

It gives it a credential from the folder `run` and a socket to report to, asks the mount `mnt` for
something that is refused, ends it, and prints what it heard. With `journal` the standard error is what
the journal reads, as far as certfs can know.
"""
import os
import signal
import socket
import subprocess
import sys

address, where, *command = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind('\0' + address[1:] if address[0] == '@' else address)
listener.settimeout(60)
stream = os.fstat(2) if where == 'journal' else os.stat('/')
service = subprocess.Popen(command, env=dict(
    os.environ,
    NOTIFY_SOCKET=address,
    CREDENTIALS_DIRECTORY=os.path.abspath('run'),
    JOURNAL_STREAM=f'{stream.st_dev}:{stream.st_ino}'))
print(listener.recv(4096).decode().splitlines()[0])
print('EX01' in os.listdir('mnt'))
try:
    os.mkdir('mnt/_foo')
except PermissionError:
    print('refused')
service.send_signal(signal.SIGTERM)
print(listener.recv(4096).decode())
print(service.wait(60))
