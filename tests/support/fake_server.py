#!/usr/bin/env python3
"""A PostgreSQL that is none: fake_server.py FOLDER VERSION|silent

Listens on FOLDER/.s.PGSQL.5432.  With a version it lets everybody in, says it
is that version in UTF8, and answers every query with nothing; silent, it takes
connections and never says a word.  Protocol:
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
            threading.Event().wait()
        serve(conn, version)
    except (EOFError, ConnectionError):
        pass
    conn.close()


def main():
    folder, version = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
    listener.listen(5)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=attend, args=(conn, version), daemon=True).start()


main()
