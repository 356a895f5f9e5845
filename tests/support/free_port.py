#!/usr/bin/env python3
"""Prints a port of 127.0.0.1 that nobody listens on, for who will do so later: not
one of those that the kernel gives to whoever connects meanwhile, nor one that
another process has been given a moment ago."""
import itertools
import os
import socket

for number in itertools.count(os.getpid()):
    port = 15000 + number % 17000
    with socket.socket() as here:
        try:
            here.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(port)
        break
