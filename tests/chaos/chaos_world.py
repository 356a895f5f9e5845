"""chaos_world.py - a server, a project and inputs to torment, and the count

The checker trusts nothing the program says about itself: it knows which lines
were produced and counts rows and rejects in PostgreSQL.
"""

import collections
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SUITE_PG = os.path.join(ROOT, "tests/support/suite_pg.sh")

STREAM = """\
-- stream: chaos_events
-- format: json
-- match: run + n
create table staging.chaos_events (
    run       text   not null,  -- from: run
    n         bigint not null,  -- from: n
    payload   text,             -- from: payload
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
"""

OPTIONS = ["--batch-rows", "100", "--linger", "20ms", "--connections", "2",
           "--answer-timeout", "2s", "--connect-timeout", "20s",
           "--statement-timeout", "10s", "--retry-timeout", "10min",
           "--claim-timeout", "2min", "--progress-interval", "1h"]

QUIET = "-c client_min_messages=warning"

VERDICT = re.compile(r"the commit of load (\d+) was lost; it was( not)? "
                     r"committed")


def is_reject(n):
    return n % 41 == 7


def line(run, n):
    """Line n of a run; some are bad, some follow a blank line."""
    pad = "x" * (n * 7919 % 180)
    value = f'"bad-{n}"' if is_reject(n) else str(n)
    text = f'{{"run": "{run}", "n": {value}, "payload": "{pad}"}}\n'
    return ("  \r\n" if n % 29 == 3 else "") + text


class World:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-chaos-")
        self.pg = self._suite_pg("make")
        self.socket = os.path.join(self.pg, ".s.PGSQL.5432")
        streams = os.path.join(self.folder, "project/sql/chaos/streams")
        os.makedirs(streams)
        with open(os.path.join(streams, "chaos_events.sql"), "w") as f:
            f.write(STREAM)

    def begin(self, seed, build):
        """A new, empty database, for the program of this build folder."""
        self.random = random.Random(seed)
        self.program = os.path.join(build, "handle-streams")
        self.counts = collections.Counter()
        self.verdicts = []         # (load_id, committed?)
        self.produced = {}         # run -> number of lines
        self.lost = self.doubled = 0
        for command in ("drop database if exists chaos with (force)",
                        "create database chaos template template0"):
            subprocess.run(["psql", "-Xq", "-c", command],
                           env=self.env("postgres", PGOPTIONS=QUIET),
                           check=True)

    def close(self):
        self._suite_pg("remove", self.pg)
        subprocess.run(["rm", "-rf", self.folder], check=True)

    # --- the server ---------------------------------------------------------

    @staticmethod
    def _suite_pg(*args):
        return subprocess.run([SUITE_PG, *args], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def env(self, database="chaos", **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("PG", "HANDLE_STREAMS_", "MILLRACE_"))}
        env.update(PGHOST=self.pg, PGUSER="postgres", PGDATABASE=database,
                   HANDLE_STREAMS_PROJECT=os.path.join(self.folder, "project"))
        env.update(more)
        return env

    def crash_server(self):
        self._suite_pg("stop", self.pg, "immediate")
        self._suite_pg("start", self.pg)
        self.counts["server crashed"] += 1

    def sql(self, query):
        """Rows as lists of text; waits for a server that is starting."""
        deadline = time.monotonic() + 180
        while True:
            done = subprocess.run(["psql", "-XAtq", "-F", "\t", "-c", query],
                                  env=self.env(), text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            if done.returncode == 0:
                return [row.split("\t") for row in done.stdout.splitlines()]
            if done.returncode != 2 or time.monotonic() > deadline:
                raise RuntimeError(done.stderr)
            time.sleep(0.05)

    # --- the program --------------------------------------------------------

    def launch(self, *args, dsn=None, fault=None, mutant=None, stdin=None,
               options=()):
        more = {}
        if fault:
            more["MILLRACE_FAULT"] = fault
        if mutant:
            more["MILLRACE_MUTANT"] = mutant
        command = [self.program, *OPTIONS, *options, *args]
        if dsn:
            command[1:1] = ["--dsn", dsn]
        log = tempfile.TemporaryFile("w+", dir=self.folder)
        process = subprocess.Popen(
            command, env=self.env(**more), stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=log)
        process.log = log
        return process

    def finish(self, process, timeout=900):
        """Waits, and takes the verdicts out of what it said."""
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            process.log.seek(0)
            raise RuntimeError("it hangs; it said: " + process.log.read())
        process.log.seek(0)
        process.said = process.log.read()
        process.log.close()
        # a crash of the server may take back what was committed
        back = process.said.rfind("reading again from there")
        for verdict in VERDICT.finditer(process.said):
            load, no = verdict.groups()
            if no or verdict.start() > back:
                self.verdicts.append((int(load), not no))
        return status

    def wait_for_silence(self):
        """Until no session of a dead process can still commit."""
        deadline = time.monotonic() + 180
        while self.sql("select 1 from pg_stat_activity where application_name "
                       "like 'handle-streams %' limit 1"):
            if time.monotonic() > deadline:
                raise RuntimeError("sessions of a dead process stay")
            time.sleep(0.05)

    # --- inputs -------------------------------------------------------------

    def make_file(self, run, lines):
        path = os.path.join(self.folder, run + ".jsonl")
        with open(path, "w", newline="") as f:
            for n in range(lines):
                f.write(line(run, n))
        self.produced[run] = lines
        return path

    def feed(self, process, run, lines, pause=0.0):
        """Writes a run into a process's stdin, in pieces that respect no
        line; returns the thread."""
        self.produced[run] = lines
        chance = random.Random(run)

        def write():
            data = "".join(line(run, n) for n in range(lines)).encode()
            at = 0
            try:
                while at < len(data):
                    size = chance.choice((1, 17, 700, 5000, 20000))
                    process.stdin.write(data[at:at + size])
                    process.stdin.flush()
                    at += size
                    if pause:
                        time.sleep(chance.random() * pause)
                process.stdin.close()
            except OSError:
                pass

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    # --- the count ----------------------------------------------------------

    def count(self, run, upto=None):
        """(lost, doubled) among the lines of a run, or its first `upto`."""
        seen = collections.Counter(
            int(row[0]) for row in self.sql(
                f"select n from staging.chaos_events where run = '{run}'"))
        for row in self.sql("select convert_from(raw, 'UTF8') "
                            "from millrace.reject"):
            record = json.loads(row[0])
            if record["run"] == run:
                seen[int(record["n"][4:])] += 1
        expected = self.produced[run] if upto is None else upto
        lost = sum(1 for n in range(expected) if not seen[n])
        beyond = sum(1 for n in seen if upto is not None and n >= upto)
        doubled = sum(c - 1 for c in seen.values())
        return lost, doubled + beyond

    def committed_lines(self, run, offset):
        """How many lines of a run end at or before a byte offset."""
        at = count = 0
        while count < self.produced[run]:
            at += len(line(run, count))
            if at > offset:
                break
            count += 1
        return count

    def wrong_verdicts(self):
        """Loads in doubt of which the program believes what is not so."""
        ledger = {int(row[0])
                  for row in self.sql("select load_id from millrace.load")}
        return [(load, said) for load, said in self.verdicts
                if (load in ledger) != said]

    def verify(self):
        """Whether `handle-streams verify` agrees; its words if not."""
        done = subprocess.run([self.program, "verify"], env=self.env(),
                              text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return None if done.returncode == 0 else done.stdout


def kill(process):
    process.send_signal(signal.SIGKILL)


def heeds_sigterm(process):
    """Whether it has begun to, or has ended."""
    if process.poll() is not None:
        return True
    with open(f"/proc/{process.pid}/status") as f:
        caught = next(line for line in f if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1 == 1
