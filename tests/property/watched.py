#!/usr/bin/env python3
"""Incremental equals full, beside a `periodic watch`.

    watched.py [options of graphs.py]

As graphs.py, with a watch that is started, asked to stop, killed, and cut off
from the server at random, while loads are committed, files change, and other
runs come in between.  Checks wait until it has left nothing to do, and compare
while it goes on.
"""
import os
import signal
import subprocess
import sys
import time

import graphs
import incremental
from incremental import Mismatch

PATIENCE_S = 300
READ_S = 60      # within which a watch has read a changed file, however slow it is


class WatchedHistory(graphs.GraphHistory):
    def __init__(self, options, seed, figures):
        super().__init__(options, seed, figures)
        self.watch = None
        self.changed = 0

    def path(self, *parts):
        self.changed = time.monotonic()
        return super().path(*parts)

    def said(self):
        with open(os.path.join(self.folder, "watch.log"), encoding="utf-8") as log:
            return log.read()

    def begin(self):
        with open(os.path.join(self.folder, "watch.log"), "w", encoding="utf-8") as log:
            self.watch = subprocess.Popen(
                [os.path.join(incremental.BUILD, "periodic"), "watch", "--project", self.folder,
                 "--poll", "200ms", "--threads", str(self.random.randint(1, 3)),
                 "--max-loads", str(self.random.choice([1, 2, 1000]))],
                cwd=self.folder, stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + PATIENCE_S
        while "watching" not in self.said():
            if self.watch.poll() is not None or time.monotonic() > deadline:
                raise Mismatch(f"periodic watch does not begin\n{self.said()}")
            time.sleep(0.005)
        self.figures["watches"] += 1

    def end_watch(self, number):
        self.watch.send_signal(number)
        status = self.watch.wait(PATIENCE_S)
        self.watch = None
        if status != (0 if number == signal.SIGTERM else -number):
            raise Mismatch(f"periodic watch: exit status {status}\n{self.said()}")
        if number == signal.SIGKILL:
            self.figures["kills"] += 1
            self.wait_for_silence()

    def cut_off(self):
        """One of its sessions ends; the watch goes on with another."""
        sessions = self.psql.run(incremental.SESSIONS)
        if sessions:
            self.psql.run(f"select pg_terminate_backend({self.random.choice(sessions)})")
            self.figures["cut"] += 1

    def wait_for_silence(self):
        if not self.watch:
            super().wait_for_silence()

    def ended(self, process, may_die=False, may_differ=False):
        return super().ended(process, may_die, may_differ or self.watch is not None)

    def step_watch(self):
        if not self.watch:
            self.begin()
        else:
            self.random.choice([lambda: self.end_watch(signal.SIGTERM), lambda: self.end_watch(signal.SIGKILL),
                                self.cut_off, self.cut_off])()

    def check(self):
        if not self.watch:
            super().check()
            return
        deadline = time.monotonic() + PATIENCE_S
        while not self.is_settled():
            if self.watch.poll() is not None or time.monotonic() > deadline:
                raise Mismatch(f"the watch leaves something to do\n{self.said()}")

    def is_settled(self):
        """Nothing is left to do, and all is right.  Until the watch has read a
        changed file, it may put back what others have made of it."""
        if self.ended(incremental.History.start(self, "plan", "--output", "name")):
            return False
        try:
            self.compare_all(1)
        except Mismatch:
            if time.monotonic() > self.changed + READ_S:
                raise
            return False
        return True

    def finish(self):
        if self.watch:
            self.end_watch(signal.SIGTERM)
        super().finish()

    def steps(self):
        return {self.step_load: 40, self.step_end: 14, self.step_extract: 8, self.step_replace: 6,
                self.step_watch: 10, self.step_run: 3, self.step_some: 2, self.step_fault: 2, self.step_seed: 3,
                self.step_code: 3, self.step_leave: 3, self.check: 4}

    def close(self):
        if self.watch:
            self.watch.kill()
            self.watch.wait()
        super().close()


if __name__ == "__main__":
    found = incremental.run(incremental.parse(), WatchedHistory)
    print(" ".join(f"{name}={found[name]}" for name in
                   ("histories", "loads", "extracts", "replaced", "rows", "runs", "watches", "kills", "cut", "checks",
                    "comparisons", "mismatches")))
    sys.exit(1 if found["mismatches"] else 0)
