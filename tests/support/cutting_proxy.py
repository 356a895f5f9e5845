#!/usr/bin/env python3
"""Stands before a PostgreSQL and lets the answers of one connection through
only so far.

    cutting_proxy.py FOLDER SERVER

Listens on FOLDER/.s.PGSQL.5432 and forwards to SERVER/.s.PGSQL.5432, until it
is killed.  A connection that finds the file FOLDER/cut takes it: of what the
server answers, as many bytes as it says go through, one at a time; then both
sides are closed.  Of every connection a line in FOLDER/log: how many bytes the
server has answered.
"""

import os
import pathlib
import select
import socket
import sys
import threading

folder, server = (pathlib.Path(a) for a in sys.argv[1:])
NAME = ".s.PGSQL.5432"


def relay(client, limit):
    upstream = socket.socket(socket.AF_UNIX)
    upstream.connect(str(server / NAME))
    answered = 0
    while limit is None or answered < limit:
        ready, _, _ = select.select([client, upstream], [], [])
        if client in ready:
            data = client.recv(65536)
            if not data:
                break
            upstream.sendall(data)
        if upstream in ready:
            data = upstream.recv(65536 if limit is None else 1)
            if not data:
                break
            answered += len(data)
            try:
                client.sendall(data)
            except BrokenPipeError:
                break
    with open(folder / "log", "a", encoding="ascii") as log:
        log.write(f"{answered}\n")
    upstream.close()
    client.close()


def take_limit():
    try:
        limit = int((folder / "cut").read_text(encoding="ascii"))
        os.unlink(folder / "cut")
        return limit
    except FileNotFoundError:
        return None


listener = socket.socket(socket.AF_UNIX)
listener.bind(str(folder / NAME))
listener.listen(16)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=relay, args=(connection, take_limit()), daemon=True).start()
