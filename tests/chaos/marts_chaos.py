#!/usr/bin/env python3
"""Kills both programs while they work on the same tables, and counts.

    marts_chaos.py [--seed N] [--events N] [--files N] [--mutant NAME]

Files of events are loaded by two handle-streams at a time while two periodic
run without pause; each is killed with SIGKILL at a compiled-in fault point, at
a random moment, or not at all, and started again until it is through.  In the
end every line must be in staging exactly once, and the marts must equal the
oracle's and those of a full refresh.  With --mutant the mutant build runs, and
the test is whether this notices.

Needs PG* like tests/packs/history.py, whose bluesky events, oracle and marts
it uses.
"""
import argparse
import io
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
                if self.once(chance, "handle-streams", LOAD_FAULTS, "--batch-rows",
                             str(chance.choice([50, 200, 1000])), path):
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


def files_of(chaos):
    """How many lines, and these in files, no two of which are alike."""
    lines = bluesky.lines_of(chaos.chance, chaos.options.events)
    chaos.chance.shuffle(lines)
    files = queue.Queue()
    size = len(lines) // chaos.options.files + 1
    for number, start in enumerate(range(0, len(lines), size)):
        path = os.path.join(chaos.folder, f"events-{number}.json")
        with open(path, "wb") as file:
            file.writelines(lines[start:start + size])
        files.put(path)
    chaos.fed = [history.Piece("events.json", b"".join(lines))]
    return len(lines), files


def play(chaos):
    seed = chaos.seed
    lines, files = files_of(chaos)
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
    chaos.ok(not chaos.errors, "neither program fails unless it is killed "
             + ", ".join(f"({name}: killed {count} times of {chaos.runs[name]})"
                         for name, count in chaos.kills.items()))
    for error in chaos.errors[:3]:
        print("# " + error.rstrip().replace("\n", "\n# "))
    rows = int(chaos.psql("select count(*) from staging.bluesky_events"))
    chaos.ok(rows == lines, f"{lines} lines are {rows} rows")
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
