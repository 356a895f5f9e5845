#!/usr/bin/env python3
"""Incremental equals full: random histories over every strategy.

    incremental.py [--histories N] [--seconds S] [--seed N] [--steps N]
                   [--mutant NAME] [--keep] [--verbose]

A history writes rows to staging as the ingester does (rows and ledger row in
one transaction, some held open and committed late, some rolled back), with
periodic in between: alone, two at once, killed at a fault point or at a random
moment; seeds and model files change on the way.  At random points, and at the
end, every mart must equal the text of its model file run over what it reads,
and some must equal what Python computes from staging.

Needs PG* to name a server on which it may create databases; periodic is taken
from $BUILD (build/plain).  Prints figures; exit status 1: a mismatch.
"""
import argparse
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from incremental_models import EXCLUDERS, LEAVES, MODELS, REPLAYERS, SEEDS, STREAMS, VARIANTS
from session import Session

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/plain"))
FAULTS = ["run-begun", "run-consumed", "run-applied", "run-tested", "run-committed",
          "export-written"]
DEADLINE_S = 600
SESSIONS = ("select pid from pg_stat_activity where application_name = 'periodic'"
            " and datname = current_database()")


class Mismatch(Exception):
    """What must be equal is not."""


def literal(value):
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


class History:
    def __init__(self, options, seed, figures):
        self.options, self.figures = options, figures
        self.random = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="incremental-")
        self.database = f"incremental_{os.getpid()}_{seed}_{options.mutant}"
        self.environment = dict(os.environ, PGDATABASE=self.database, TZ="Asia/Kathmandu")
        if options.mutant:
            self.environment["MILLRACE_MUTANT"] = options.mutant
        self.variant, self.away = {}, set()
        self.writers, self.open, self.replacing = [], [], None
        self.recent = []
        self.log = []

    # --- the project ---------------------------------------------------------

    def path(self, *parts):
        path = os.path.join(self.folder, "sql", "p", *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write_project(self):
        for name, text in STREAMS.items():
            with open(self.path("streams", name + ".sql"), "w", encoding="utf-8") as out:
                out.write(text)
        for name in MODELS:
            self.write_model(name)
        for name in SEEDS:
            self.write_seed(name)

    def model_text(self, name):
        number = self.variant.get(name, 0)
        return VARIANTS[name][number] if number else MODELS[name]

    def write_model(self, name):
        with open(self.path("models", name + ".sql"), "w", encoding="utf-8") as out:
            out.write(self.model_text(name))

    def write_seed(self, name):
        header, values = SEEDS[name]
        rows = self.random.sample(values, self.random.randint(0, len(values)))
        with open(self.path("seeds", name + ".csv"), "w", encoding="utf-8") as out:
            out.write("\n".join([header, *rows]) + "\n")

    # --- steps ---------------------------------------------------------------

    def row(self, stream):
        chance = self.random
        if self.recent and chance.random() < 0.3:         # delivered again
            again = chance.choice(self.recent)
            if again[0] == stream:
                return again[1]
        key = chance.choice(["a", "b", "c", "é", None])
        second = chance.choice([0, 1, 59, 60, 61, 3599, 3600, 86399, 86400,
                                chance.randint(0, 260000)])
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1741910000 + second))
        if chance.random() < 0.5:
            at += chance.choice([".5", ".000001", ".999999"])
        if stream == "c":
            row = (key, chance.randint(-1, 3), at + "+00")
        elif stream == "a":
            row = (key, chance.choice([0, 1, 2, None]), chance.randint(-2, 4),
                   None if chance.random() < 0.05 else at + "+00",
                   chance.choice(["x", "y", "X", None]))
        else:
            row = (key, chance.randint(0, 3), at)
        self.recent = (self.recent + [(stream, row)])[-40:]
        return row

    def load(self, session, stream, rows, begun=False):
        """As the ingester: ledger row and rows, one transaction, one now()."""
        values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
        columns = {"a": "k, g, v, at, note", "b": "k, w, at", "c": "k, v, at"}[stream]
        session.run(
            ("" if begun else "begin;\n")
            + "insert into millrace.load (relation, loaded_at, row_count)"
            f" values ('staging.{stream}', now(), {len(rows)});\n"
            + (f"insert into staging.{stream} ({columns}) values {values};" if rows else ""))
        self.figures["loads"] += 1
        self.figures["rows"] += len(rows)

    def step_load(self):
        stream = self.random.choice("aaabcc")
        count = self.random.choice([0, 1, 1, 2, 3, 8, 30])
        session = self.writers.pop()
        self.load(session, stream, [self.row(stream) for _ in range(count)])
        if self.random.random() < 0.4 and self.writers:
            self.open.append(session)                     # commits late, or never
            return
        session.run("commit")
        self.writers.append(session)

    def step_replace(self):
        """Replaces a range of event time, as handle-streams --replace-range."""
        if not self.writers or self.replacing in self.open:
            return
        session = self.writers.pop()
        since, until = sorted(1741910000 + self.random.randint(-5, 270000) for _ in range(2))
        rows = [self.row("c") for _ in range(self.random.choice([0, 1, 3, 8]))]
        session.run("begin isolation level repeatable read;\n"
                    "insert into millrace.load (relation, loaded_at, op, row_count, parts) values"
                    f" ('staging.c', now(), 'd', {len(rows)}, '[\"{since}\", \"{until}\"]');\n"
                    "select millrace.replace_range('c', 'at',"
                    f" to_timestamp({since}), to_timestamp({until}));")
        if rows:
            session.run("insert into staging.c (k, v, at) values "
                        + ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows))
        self.figures["replaced"] += 1
        if self.random.random() < 0.3 and self.writers:
            self.open.append(session)
            self.replacing = session
            return
        session.run("commit")
        self.writers.append(session)
        if self.random.random() < 0.4:        # others run before those who read it
            self.load(session, "a", [self.row("a")])
            session.run("commit")
            self.ended(self.start("-s", "p.known_keys"))

    def step_backlog(self):
        """Loads pile up and are worked off in steps."""
        for _ in range(self.random.randint(2, 5)):
            if self.writers:
                stream = self.random.choice("abc")
                self.load(self.writers[-1], stream, [self.row(stream) for _ in range(3)])
                self.writers[-1].run("commit")
        if self.random.random() < 0.5:
            self.ended(self.start("-s", "p.known_keys"))  # what the others have to do is sealed
        fault = self.random.choice([{}, {"MILLRACE_FAULT": f"run-committed:{self.random.randint(1, 4)}"}])
        self.ended(self.start("--max-loads", str(self.random.randint(1, 3)), **fault), may_die=True)

    def step_exclude(self):
        """A load is taken out of a model, or let in again."""
        name, relation = self.random.choices(EXCLUDERS, [4, 4, 4, 2, 1, 1])[0]
        there = self.psql.run(f"select load_id from millrace.excluded where model = 'p.{name}'")
        loads = self.psql.run(f"select load_id from millrace.load where relation = '{relation}' and op = 'i'"
                              " and row_count > 0 order by load_id")
        if there and self.random.random() < 0.4:
            self.ended(self.start("include", f"p.{name}", self.random.choice(there)))
        elif loads:
            self.ended(self.start("exclude", f"p.{name}", self.random.choice(loads)))
            self.figures["excluded"] += 1

    def step_replay(self):
        name, relation = self.random.choice(REPLAYERS)
        loads = self.psql.run(f"select load_id from millrace.load l where relation = '{relation}' and not exists (select"
                              f" from millrace.excluded e where e.model = 'p.{name}' and e.load_id = l.load_id)"
                              " order by load_id")
        if loads and name not in self.away:
            self.ended(self.start("replay", f"p.{name}", self.random.choice(loads)))
            self.figures["replays"] += 1

    def step_end(self):
        if self.open:
            session = self.open.pop(self.random.randrange(len(self.open)))
            session.run("commit" if self.random.random() < 0.85 else "rollback")
            self.writers.append(session)

    def step_seed(self):
        self.write_seed(self.random.choice(list(SEEDS)))

    def step_code(self):
        name = self.random.choice(list(VARIANTS))
        self.variant[name] = (self.variant.get(name, 0) + 1) % (max(VARIANTS[name]) + 1)
        self.write_model(name)

    def step_leave(self):
        """A model leaves the project, its table stays; later it comes back."""
        name = self.random.choice(LEAVES)
        if name in self.away:
            self.away.remove(name)
            self.write_model(name)
        else:
            self.away.add(name)
            os.unlink(self.path("models", name + ".sql"))
            for _ in range(2):
                if self.writers:
                    self.load(self.writers[-1], "a", [self.row("a") for _ in range(6)])
                    self.writers[-1].run("commit")
                self.ended(self.start())

    def start(self, *arguments, **environment):
        self.figures["runs"] += 1
        return subprocess.Popen(
            [os.path.join(BUILD, "periodic"), "--project", self.folder, *arguments],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(self.environment, **environment))

    def ended(self, process, may_die=False):
        output, _ = process.communicate(timeout=DEADLINE_S)
        if process.returncode == -signal.SIGKILL and may_die:
            self.figures["kills"] += 1
            self.wait_for_silence()
        elif process.returncode != 0:
            raise Mismatch(f"periodic: exit status {process.returncode}\n{output}")
        return output

    def wait_for_silence(self):
        """Until no session of a dead process holds what it was working on."""
        self.psql.wait_for_none(SESSIONS, DEADLINE_S)

    def step_run(self):
        self.ended(self.start())

    def step_refresh(self):
        self.ended(self.start("--full-refresh"))

    def step_some(self):
        """One model runs ahead of its readers, load after load."""
        name, stream = self.random.choice(
            [("p.first_of_key", "a"), ("p.last_of_key", "b"), ("+p.hours_of_first", "a")])
        for _ in range(2):
            if self.writers:
                self.load(self.writers[-1], stream, [self.row(stream) for _ in range(6)])
                self.writers[-1].run("commit")
            self.ended(self.start("-s", name))

    def step_overtake(self):
        """A run moves the seal when a load is open and one with an older xid and
        a larger number has just become visible; two more runs follow."""
        name, stream = "p.first_of_key", "a"
        if self.open or len(self.writers) < 3 or "first_of_key" in self.away:
            return
        early, late, feeder = self.writers
        self.load(feeder, stream, [self.row(stream) for _ in range(4)])
        feeder.run("commit")
        self.psql.run("begin; lock table millrace.seal in access exclusive mode")
        running = self.start("-s", name)
        while running.poll() is None and not self.psql.run(
                "select 1 from pg_locks where not granted and relation = 'millrace.seal'::regclass"):
            pass
        early.run("begin; select pg_current_xact_id()")
        self.load(late, stream, [self.row(stream) for _ in range(4)])
        self.load(early, stream, [self.row(stream) for _ in range(4)], begun=True)
        early.run("commit")
        self.psql.run("commit")
        self.ended(running)
        for _ in range(2):
            self.load(feeder, stream, [self.row(stream) for _ in range(4)])
            feeder.run("commit")
            self.ended(self.start("-s", name))
        self.writers, self.open = [early, feeder], [late]

    def step_two(self):
        first, second = self.start(), self.start()
        self.ended(first)
        self.ended(second)

    def step_fault(self):
        fault = f"{self.random.choice(FAULTS)}:{self.random.randint(1, 8)}"
        self.ended(self.start(MILLRACE_FAULT=fault), may_die=True)

    def step_kill(self):
        process = self.start()
        time.sleep(self.random.uniform(0, 0.15))   # a moment, not a wait for something
        if process.poll() is None:
            process.kill()
        self.ended(process, may_die=True)

    # --- comparing -----------------------------------------------------------

    def full(self, name):
        """The model file's text, and what the contract adds to it."""
        text = self.model_text(name)
        config = dict(line[2:].split(":", 1) for line in text.splitlines()
                      if line.startswith("--   ") and ":" in line)
        config = {key.strip(): value.strip() for key, value in config.items()}
        query = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
        query = re.sub(                                   # without the loads it is to do without
            r"\b(staging\.\w+) (\w+)", r"(select * from \1 where loaded_at not in (select x.loaded_at"
            r" from millrace.excluded x where x.model = 'p." + name + r"' and x.relation = '\1')) \2", query)
        key = config.get("unique_key", "").strip("[]")
        if config.get("strategy") in ("merge", "append") and key:
            order = ", ".join(filter(None, [key, config.get("order_by", "")]))
            query = f"select distinct on ({key}) * from ({query}\n) q order by {order}"
        return query

    def compare(self, name):
        columns = ", ".join(f'"{line}"' for line in self.psql.run(
            "select attname from pg_attribute where attnum > 0 and not attisdropped"
            f" and attrelid = 'p.{name}'::regclass and attname <> 'loaded_at' order by attnum"))
        self.psql.run("set enable_sort = on; begin isolation level repeatable read")
        difference = self.psql.run(
            f"with mart as (select {columns} from p.{name}),\n"
            f"truth as ({self.full(name)}\n)\n"
            "(select 'mart', m::text from (table mart except all table truth) m limit 4) union all\n"
            "(select 'truth', t::text from (table truth except all table mart) t limit 4)")
        self.psql.run("commit")
        self.figures["comparisons"] += 1
        if difference:
            raise Mismatch(f"p.{name}: " + "; ".join(difference))

    def compare_export(self):
        """The file is the view, as text."""
        with open(os.path.join(self.folder, "metrics", "totals.csv"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        wanted = self.psql.run("\\copy (select * from p.totals_view order by k nulls first, total)"
                               " to stdout (format csv, header)")
        if lines != wanted:
            raise Mismatch(f"metrics/totals.csv: {lines} is not {wanted}")

    def compare_python(self):
        """First of each key, and sums, from staging as it is."""
        rows = [line.split("|") for line in self.psql.run(
            "select coalesce(k, '~'), coalesce(g::text, '~'), v,"
            " coalesce(to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '~'),"
            " coalesce(note, '~') from staging.a")]
        first, sums = {}, collections.Counter()
        for k, g, v, at, note in rows:
            order = (at, int(v), "\U0010ffff" if note == "~" else note)
            first[k, g] = min(first.get((k, g), order), order)
            sums[k] += int(v)
        wanted = sorted(f"{k}|{g}|{at}|{v}" for (k, g), (at, v, _) in first.items())
        found = sorted(self.psql.run(
            "select coalesce(k, '~') || '|' || coalesce(g::text, '~') || '|' || coalesce(to_char("
            "at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '~') || '|' || v"
            " from p.first_of_key"))
        if wanted != found:
            raise Mismatch(f"p.first_of_key: Python says {set(wanted) - set(found)},"
                           f" the mart {set(found) - set(wanted)}")
        found = dict(line.split("|") for line in self.psql.run(
            "select coalesce(k, '~'), total from p.sums_of_staging"))
        if {k: int(v) for k, v in found.items()} != dict(sums):
            raise Mismatch(f"p.sums_of_staging: Python says {dict(sums)}, the mart {found}")

    def check(self):
        for _ in range(2):
            self.ended(self.start())
        if "nothing new" not in self.ended(self.start()):
            raise Mismatch("a third run still finds something to do")
        for name in MODELS:
            if name not in self.away:
                self.compare(name)
        self.compare_export()
        self.compare_python()
        self.figures["checks"] += 1

    # --- all of it -----------------------------------------------------------

    def steps(self):
        """What may happen, and how often."""
        return {self.step_load: 34, self.step_end: 14, self.step_run: 12, self.step_some: 6,
                self.step_two: 3, self.step_overtake: 4, self.step_fault: 8, self.step_kill: 3,
                self.step_seed: 2, self.step_code: 2, self.step_leave: 4, self.step_refresh: 1,
                self.step_replace: 5, self.step_backlog: 4, self.step_exclude: 4,
                self.step_replay: 4, self.check: 2}

    def finish(self):
        """What is looked at once, at the very end."""

    def play(self):
        steps = self.steps()
        subprocess.run(["createdb", "-T", "template0", self.database], check=True,
                       env=dict(os.environ))
        try:
            self.write_project()
            self.psql = Session(self.environment)
            self.ended(self.start())
            self.writers = [Session(self.environment) for _ in range(3)]
            for _ in range(self.options.steps):
                step = self.random.choices(list(steps), list(steps.values()))[0]
                self.log.append(step.__name__)
                if step is not self.step_load or self.writers:
                    step()
            for session in self.open:
                session.run("commit")
            self.writers += self.open
            for name in self.away:
                self.write_model(name)
            self.away = set()
            self.check()
            self.finish()
        finally:
            self.close()

    def close(self):
        for session in self.writers + self.open + [getattr(self, "psql", None)]:
            if session:
                session.close()
        if not self.options.keep:
            subprocess.run(["dropdb", "--force", "--if-exists", self.database], check=True)
            shutil.rmtree(self.folder, ignore_errors=True)


def run(options, history_of=History, needed=()):
    """Histories until one differs, or there are enough; the figures.  When time is
    over it goes on for those that are needed and are 0."""
    figures = collections.Counter()
    deadline = time.monotonic() + options.seconds
    seed = options.seed
    while figures["histories"] < options.histories and (
            time.monotonic() < deadline or not all(figures[name] for name in needed)):
        history = history_of(options, seed, figures)
        try:
            history.play()
        except (Mismatch, RuntimeError, subprocess.TimeoutExpired) as error:
            figures["mismatches"] += 1
            if options.verbose or not options.mutant:
                print(f"# seed {seed}, after {' '.join(history.log)}:\n# "
                      + str(error).replace("\n", "\n# "), flush=True)
            break
        finally:
            figures["histories"] += 1
        seed += 1
    return figures


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--models", type=int, default=14)
    parser.add_argument("--mutant", default="")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    found = run(parse())
    print(" ".join(f"{name}={found[name]}" for name in
                   ("histories", "loads", "rows", "runs", "kills", "checks", "comparisons",
                    "mismatches")))
    sys.exit(1 if found["mismatches"] else 0)
