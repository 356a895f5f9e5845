#!/usr/bin/env python3
"""Stands in for systemd: notify_listen.py SOCKET LOG writes what it is told."""
import socket
import sys

here = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
here.bind(sys.argv[1])
with open(sys.argv[2], 'w', buffering=1) as log:
    log.write('listening\n')
    while True:
        log.write(here.recv(4096).decode() + '\n')
