#!/usr/bin/env python3
"""Breaks the connection of whoever commits: commit_proxy.py SOCKET FOLDER ACTION

Stands before the server behind SOCKET, writes its port to FOLDER/port and does
ACTION (chaos_proxy.py) with the first message that is a COMMIT and nothing else;
what comes later passes.  A held COMMIT goes on at SIGUSR1; what the server says
to it is written to FOLDER/answer.  ACTION `vanish` is cut-after, and nobody can
connect any more.  ACTION `linger` lets every COMMIT pass, and the server hears of
nobody who goes until SIGUSR1.
"""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chaos"))
from chaos_proxy import Proxy  # noqa: E402  (found through the path set above)

server, folder, action = sys.argv[1:]
goes, commits = b"X\0\0\0\4", b"Q\0\0\0\13commit\0"
proxy = Proxy(server, lambda message: message == (goes if action == "linger" else commits))
asked = []


def plan():
    if action == "linger":
        return "hold"
    asked.append(1)
    if len(asked) > 1:
        return "pass"
    if action == "vanish":
        proxy.server_socket = "/nowhere"
    return "cut-after" if action == "vanish" else action


def put(name, text):
    with open(os.path.join(folder, name + ".new"), "w", encoding="utf-8") as out:
        out.write(text)
    os.rename(out.name, os.path.join(folder, name))


proxy.plan = plan
signal.signal(signal.SIGUSR1, lambda *_: proxy.release())
put("port", str(proxy.port))
while not proxy.answers:
    time.sleep(0.02)
put("answer", proxy.answers[0].decode("latin-1"))
signal.pause()
