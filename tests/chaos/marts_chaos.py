#!/usr/bin/env python3
"""Kills both programs while they work on the same tables, and counts.

    marts_chaos.py [--seed N] [--events N] [--files N] [--mutant NAME]

Files of events are loaded by two handle-streams at a time while two periodic
run without pause; each is killed with SIGKILL at a compiled-in fault point, at
a random moment, or not at all, and started again until it is through.  In the
end every line must be in staging exactly once, and the marts must equal the
oracle's and those of a full refresh.  With --mutant the mutant build runs, and
the test is whether this notices: for certain, since it all begins with what
the kills bring about by chance alone (ahead()).

Needs PG* like tests/packs/history.py, whose bluesky events, oracle and marts
it uses.
"""
import argparse
import io
import json
import os
import queue
import random
import subprocess
import sys
import threading

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "packs"))
import bluesky  # noqa: E402  (found through the path set above)
import history  # noqa: E402

LOAD_FAULTS = ["before-claim", "after-claim", "before-begin", "before-copy", "mid-copy",
               "after-copy", "before-commit", "commit-sent", "after-commit"]
RUN_FAULTS = ["run-begun", "run-consumed", "run-applied", "run-tested", "run-committed",
              "export-written"]
ATTEMPTS = 100
AHEAD = 300                 # lines of each load that comes before the kills


class Chaos(history.History):
    def __init__(self, options):
        super().__init__("bluesky", options.seed)
        self.options = options
        self.tests = self.failed = 0
        self.kills = {"handle-streams": 0, "periodic": 0}
        self.runs = {"handle-streams": 0, "periodic": 0}
        self.errors = []
        self.loading = True
        self.turn = threading.Condition()
        if options.mutant:
            self.environment["MILLRACE_MUTANT"] = options.mutant

    def once(self, chance, program, faults, *arguments):
        """One run that may be killed; true when it came to its own end."""
        environment = dict(self.environment)
        fate = chance.random()
        if fate < 0.5:
            environment["MILLRACE_FAULT"] = f"{chance.choice(faults)}:{chance.randrange(1, 4)}"
        process = subprocess.Popen([os.path.join(history.BUILD, program), *arguments],
                                   cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        killer = threading.Timer(chance.random() * 0.5, process.kill)
        if fate > 0.7:
            killer.start()
        said = process.communicate()[1].decode(errors="replace")
        killer.cancel()
        with self.turn:
            self.runs[program] += 1
            self.turn.notify_all()
            self.kills[program] += process.returncode == -9
            if process.returncode not in (0, -9):
                self.errors.append(f"{program}: exit {process.returncode}\n{said}")
        return process.returncode == 0

    def load(self, files, seed):
        chance = random.Random(seed)
        while not files.empty():
            try:
                path = files.get_nowait()
            except queue.Empty:
                return
            for _ in range(ATTEMPTS):
                if self.once(chance, "handle-streams", LOAD_FAULTS, "--claim-timeout", "2min",
                             "--batch-rows", str(chance.choice([50, 200, 1000])), path):
                    break
            else:
                self.errors.append(f"{path} is not through after {ATTEMPTS} attempts")
            self.wait_for_periodic()

    def wait_for_periodic(self):
        """So that there is always something new for it."""
        with self.turn:
            seen = self.runs["periodic"]
            self.turn.wait_for(lambda: self.runs["periodic"] > seen, timeout=60)

    def aggregate(self, seed):
        chance = random.Random(seed)
        while self.loading:
            self.once(chance, "periodic", RUN_FAULTS, "run", "-s", "pack:bluesky")

    def ok(self, good, sentence):
        self.tests += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.tests} - {sentence}", flush=True)

    def marts_are_right(self, sentence):
        said = self.wrong(bluesky.expected(self.fed))
        self.ok(not said, f"{sentence} (seed {self.seed})")
        for line in said:
            print(f"#   {line}")


def files_of(chaos, lines):
    files = queue.Queue()
    size = len(lines) // chaos.options.files + 1
    for number, start in enumerate(range(0, len(lines), size)):
        path = os.path.join(chaos.folder, f"events-{number}.json")
        with open(path, "wb") as file:
            file.writelines(lines[start:start + size])
        files.put(path)
    return files


def earlier(lines):
    """The like of each event a microsecond before it, which takes its place."""
    events = [json.loads(line) for line in lines if b'"timestamp"' in line]
    for event in events:
        us = bluesky.oracle.microseconds(event["timestamp"], False) - 1
        event["timestamp"] = bluesky.oracle.shown(us, "%Y-%m-%dT%H:%M:%S.%f")
    return [bluesky.encoded(event) for event in events]


def begun(chaos, lines):
    """Loads these, in pieces, until the loads that the models were first filled
    from lie below what is asked for; the rest at once."""
    below = ("select floor_load >= (select max(load_id) from millrace.load where op = 't'"
             " and relation = 'bluesky.events') from millrace.model"
             " where model = 'bluesky.likes_per_user'")
    at = 0
    while at < len(lines):
        size = 10 if not at or chaos.psql(below) != "t\n" else len(lines)
        chaos.feed(history.Piece("begun.json", b"".join(lines[at:at + size])))
        chaos.periodic()
        at += size


def ahead(chaos, first, second, third, fourth):
    """The events are two loads ahead of all that reads them, the later of which
    replaces rows of the other and of one that was taken before.  Nothing is
    sealed from there on, since a transaction is open: what was taken is known by
    name alone when the next load is asked for."""
    begun(chaos, first)
    with subprocess.Popen(["psql", "-XAtqd", chaos.database], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdin.write("begin;\nselect pg_current_xact_id();\n")
        other.stdin.flush()
        other.stdout.readline()
        for name, load in ("second.json", second), ("third.json", third):
            chaos.feed(history.Piece(name, b"".join(load)))
            chaos.run("periodic", "run", "-s", "bluesky.events")
        chaos.periodic()
        chaos.feed(history.Piece("fourth.json", b"".join(fourth)))
        chaos.periodic()


def tormented(chaos, files):
    """Loads the files, and aggregates, through kills."""
    seed = chaos.seed
    loaders = [threading.Thread(target=chaos.load, args=(files, seed * 10 + n)) for n in (1, 2)]
    others = [threading.Thread(target=chaos.aggregate, args=(seed * 10 + n,)) for n in (3, 4)]
    for thread in loaders + others:
        thread.start()
    for thread in loaders:
        thread.join()
    chaos.loading = False
    for thread in others:
        thread.join()
    chaos.periodic()


def play(chaos):
    lines = bluesky.lines_of(chaos.chance, chaos.options.events)
    chaos.chance.shuffle(lines)
    first, second, fourth = (lines[n * AHEAD:(n + 1) * AHEAD] for n in range(3))
    third = earlier(first + second)
    chaos.fed = [history.Piece("events.json", b"".join(lines + third))]
    ahead(chaos, first, second, third, fourth)
    tormented(chaos, files_of(chaos, lines[3 * AHEAD:]))
    chaos.ok(not chaos.errors, "neither program fails unless it is killed "
             + ", ".join(f"({name}: killed {count} times of {chaos.runs[name]})"
                         for name, count in chaos.kills.items()))
    for error in chaos.errors[:3]:
        print("# " + error.rstrip().replace("\n", "\n# "))
    rows = int(chaos.psql("select count(*) from staging.bluesky_events"))
    fed = len(lines) + len(third)
    chaos.ok(rows == fed, f"{fed} lines are {rows} rows")
    chaos.run("handle-streams", "verify")
    chaos.marts_are_right("after the kills the marts equal the oracle's")
    chaos.periodic("--full-refresh")
    chaos.marts_are_right("a full refresh gives the same marts")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--mutant")
    options = parser.parse_args()
    if options.mutant:
        history.BUILD = os.path.join(ROOT, "build", "mutant")
    chaos = Chaos(options)
    shown = sys.stdout
    if options.mutant:
        sys.stdout = io.StringIO()
    try:
        play(chaos)
    except history.Broken as broken:
        chaos.ok(False, "the programs do their work")
        print("# " + str(broken).rstrip().replace("\n", "\n# "))
    finally:
        sys.stdout = shown
        chaos.loading = False
        chaos.close()
    if options.mutant:
        print(f"{'ok' if chaos.failed else 'not ok'} 1 - the mutant {options.mutant} is noticed")
    print(f"1..{1 if options.mutant else chaos.tests}")
    sys.exit(bool(chaos.failed) != bool(options.mutant))


if __name__ == "__main__":
    main()
