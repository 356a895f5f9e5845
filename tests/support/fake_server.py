#!/usr/bin/env python3
"""A PostgreSQL that is none: fake_server.py FOLDER VERSION|silent|full

Listens on FOLDER/.s.PGSQL.5432.  With a version it lets everybody in, says it
is that version in UTF8, and answers every query with nothing; silent, it takes
connections, makes FOLDER/taken and never says a word.  Full, it takes no connection, like a
machine that is off: on a port of 127.0.0.1, which FOLDER/port tells.  Protocol:
https://www.postgresql.org/docs/15/protocol-flow.html
"""
import os
import socket
import struct
import sys
import threading


def message(kind, body):
    return kind + struct.pack(">i", len(body) + 4) + body


def receive(conn, count):
    data = b""
    while len(data) < count:
        more = conn.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def parameter(name, value):
    return message(b"S", name.encode() + b"\0" + value.encode() + b"\0")


def serve(conn, version):
    while True:  # requests for encryption come before the startup message
        length, code = struct.unpack(">ii", receive(conn, 8))
        receive(conn, length - 8)
        if code == 196608:
            break
        conn.sendall(b"N")
    conn.sendall(message(b"R", struct.pack(">i", 0))
                 + parameter("server_version", version)
                 + parameter("server_encoding", "UTF8")
                 + parameter("client_encoding", "UTF8")
                 + parameter("standard_conforming_strings", "on")
                 + message(b"Z", b"I"))
    while True:
        kind = receive(conn, 1)
        receive(conn, struct.unpack(">i", receive(conn, 4))[0] - 4)
        if kind == b"X":
            return
        conn.sendall(message(b"C", b"SET\0") + message(b"Z", b"I"))


def attend(conn, version):
    try:
        if version == "silent":
            conn.recv(1 << 20)
            open(os.path.join(sys.argv[1], "taken"), "w").close()
            threading.Event().wait()
        serve(conn, version)
    except (EOFError, ConnectionError):
        pass
    conn.close()


def take_none(folder):
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    waiting = []
    while True:  # fills the queue, for nobody is ever taken from it
        waiting.append(socket.socket())
        waiting[-1].settimeout(0.5)
        try:
            waiting[-1].connect(("127.0.0.1", port))
        except TimeoutError:
            break
    with open(os.path.join(folder, "port.new"), "w") as out:
        out.write(str(port))
    os.rename(out.name, os.path.join(folder, "port"))
    threading.Event().wait()


def main():
    folder, version = sys.argv[1:]
    if version == "full":
        take_none(folder)
    listener = socket.socket(socket.AF_UNIX)
    path = os.path.join(folder, ".s.PGSQL.5432")
    listener.bind(path + ".new")
    listener.listen(5)
    os.rename(path + ".new", path) # who sees it can connect
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=attend, args=(conn, version), daemon=True).start()


main()
