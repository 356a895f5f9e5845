#!/usr/bin/env python3
"""Prints a port of 127.0.0.1 that nobody listens on, for who will do so later: not
one of those that the kernel gives to whoever connects meanwhile."""
import random
import socket

while True:
    port = random.randrange(15000, 32000)
    with socket.socket() as here:
        try:
            here.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(port)
        break
