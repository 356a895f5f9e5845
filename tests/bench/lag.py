#!/usr/bin/env python3
"""Passes events on, puts a marker among them every 100 ms, and notes when the
mart shows each:  bluesky ... | lag.py REPORT [SCHEMA] | handle-streams

A marker is a like by a user of its own; likes_per_user of the schema (bluesky)
has a row for that user when the event has come through staging, events and the
mart.
The lag is from the marker's way into the pipe to the end of the first query
that finds it; queries follow each other every 10 ms."""
import json
import os
import subprocess
import sys
import threading
import time

EVERY_S, POLL_S, PATIENCE_S = 0.1, 0.01, 60

schema = sys.argv[2] if len(sys.argv) > 2 else "bluesky"
lock = threading.Lock()
sent = {}  # user -> when
lags = []
ended = threading.Event()


def marker(number):
    user = f"did:plc:lag{os.getpid()}x{number}"
    text = json.dumps({
        "did": user, "time_us": time.time_ns() // 1000, "kind": "commit",
        "commit": {"rev": f"r{number}", "operation": "create",
                   "collection": "app.bsky.feed.like", "rkey": f"k{number}",
                   "record": {"$type": "app.bsky.feed.like", "subject": {"cid": "c", "uri": "at://x/y/z"}},
                   "cid": f"c{number}"}}, separators=(",", ":"))
    return user, text.encode() + b"\n"


def look(psql, users):
    wanted = ",".join(users)
    psql.stdin.write(f"select user_id from {schema}.likes_per_user "
                     f"where user_id = any('{{{wanted}}}');\n\\echo .\n")
    psql.stdin.flush()
    while (line := psql.stdout.readline().strip()) not in (".", ""):
        yield line


def poll():
    psql = subprocess.Popen(["psql", "-XAtq"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    deadline = None
    while True:
        with lock:
            users = list(sent)
        if ended.is_set():
            deadline = deadline or time.monotonic() + PATIENCE_S
            if not users or time.monotonic() > deadline:
                break
        if users:
            found = list(look(psql, users))
            now = time.monotonic()
            with lock:
                lags.extend(now - sent.pop(user) for user in found)
        time.sleep(POLL_S)
    psql.stdin.close()
    psql.wait()


def relay():
    number, due, rest = 0, time.monotonic() + 1, b""
    while block := os.read(0, 1 << 16):
        lines, newline, rest_of = (rest + block).rpartition(b"\n")
        rest = rest_of
        out = lines + newline
        now = time.monotonic()
        if now >= due:
            user, line = marker(number)
            out += line
            number, due = number + 1, now + EVERY_S
            with lock:
                sent[user] = now
        view = memoryview(out)
        while view:
            view = view[os.write(1, view):]
    os.close(1)


poller = threading.Thread(target=poll)
poller.start()
relay()
ended.set()
poller.join()
lags.sort()
with open(sys.argv[1], "w") as report:
    if lags:
        at = lambda share: lags[min(len(lags) - 1, int(share * len(lags)))]
        print(f"event to mart: {len(lags)} markers, p50 {at(0.5):.2f} s, p90 {at(0.9):.2f} s, "
              f"p99 {at(0.99):.2f} s, max {lags[-1]:.2f} s; {len(sent)} never seen", file=report)
    else:
        print("no marker was seen", file=report)
