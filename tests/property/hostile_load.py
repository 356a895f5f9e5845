#!/usr/bin/env python3
"""A hostile load: nothing lost, nothing doubled, complete_through never wrong.

    hostile_load.py [--seconds S] [--writers N] [--seed N] [--mutant NAME]
                    [--sloppy]

Writers begin, often wait, write a ledger row and 20 rows (half of them into
another's table, whose trigger writes the ledger row), and commit; some take
seconds, some abort, and for a while an unrelated transaction holds an xid.  Two
periodic consume all the while.  In the end the marts must hold what Python knows
to be committed.  An observer notes, in one snapshot, complete_through of each
mart and the rows that it has up to there: never may more of them turn up.

--sloppy: writers that wait for more than a second before their first row and do
not look at the clock, which must show.  Prints figures; exit status 1: a loss, a
double or a broken promise.  Needs PG* to name a server.
"""
import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import session

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/plain"))
ROWS = 20
PATIENCE_S = 120
ENOUGH, ENOUGH_MOVES = 21, 4        # loads, and moves of complete_through

STREAM = """-- stream: h
-- format: json
create table staging.h (
    tag       text        not null,  -- from: tag
    v         int         not null,  -- from: v
    begun_at  timestamptz not null default now(),
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
"""
SOURCE = "-- source: theirs.h\n"
MODEL = """-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [tag, begun_at]
--   rows: n
select x.tag, x.begun_at, {n} as n, coalesce(sum({v}), 0) as v
from {relation} x
where /*+ incremental(x.tag) */ true
group by 1, 2
"""
MODELS = {
    "ours": MODEL.format(relation="staging.h", n="count(*)", v="x.v"),
    "theirs": MODEL.format(relation="theirs.h", n="count(*)", v="x.v"),
    "ours_again": MODEL.format(relation="p.ours", n="coalesce(sum(x.n), 0)", v="x.v"),
}


class Session(session.Session):
    """One whose errors are for the caller, but that must not go."""

    def run(self, sql):
        lines, is_there = self.ask(sql)
        if not is_there:
            raise RuntimeError("psql has gone: " + "\n".join(lines))
        return lines


class Load:
    def __init__(self, options):
        self.options = options
        self.database = f"hostile_{os.getpid()}_{options.mutant}{'sloppy' * options.sloppy}"
        self.folder = tempfile.mkdtemp(prefix="hostile-")
        self.environment = dict(os.environ, PGDATABASE=self.database,
                                MILLRACE_MUTANT=options.mutant)
        self.figures = collections.Counter()
        self.committed = {"ours": {}, "theirs": {}}     # tag: sum of v
        self.moved = 0                                  # complete_through, as the observer sees it
        self.lock = threading.Lock()
        self.errors = []

    # --- before ---------------------------------------------------------------

    def periodic(self, *arguments):
        return subprocess.run([os.path.join(BUILD, "periodic"), "--project", self.folder, *arguments],
                              env=self.environment, capture_output=True, text=True, check=False)

    def prepare(self):
        for path, text in [("streams/h.sql", STREAM), ("sources/theirs.sql", SOURCE)] + [
                (f"models/{name}.sql", text) for name, text in MODELS.items()]:
            path = os.path.join(self.folder, "sql", "p", path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        subprocess.run(["createdb", "-T", "template0", self.database], check=True)
        self.psql = Session(self.environment)
        self.psql.run("create schema theirs; create table theirs.h (tag text, v int, begun_at timestamptz default now(),"
                      " loaded_at timestamptz not null default now());"
                      " create index on theirs.h using brin (loaded_at)")
        guard = [] if self.options.sloppy else ["--guard", "1s"]
        for arguments in (["migrate"], ["install-source", "theirs.h", *guard], []):
            done = self.periodic(*arguments)
            if done.returncode:
                raise RuntimeError(done.stderr)
        if self.options.sloppy:     # a promise that nobody keeps
            self.psql.run("create or replace function millrace.note_load() returns trigger language plpgsql"
                          " security definer as $$ begin insert into millrace.load (relation, loaded_at, row_count)"
                          " values ('theirs.h', now(), 20); return null; end $$;"
                          " update millrace.source set guard = '1 second'")
        self.psql.run("create table public.noted (at timestamptz default clock_timestamp(), mart text,"
                      " complete timestamptz, n numeric)")

    # --- writing --------------------------------------------------------------

    def write_one(self, session, chance, whose, tag):
        waits = chance.random()
        if self.options.sloppy and waits < 0.5:
            pause = chance.uniform(1.1, 2.2)
        else:
            pause = chance.uniform(0, 0.06) if waits < 0.3 else 0
        values = [chance.randint(-5, 9) for _ in range(ROWS)]
        rows = ", ".join(f"('{tag}', {v})" for v in values)
        session.run("begin")
        time.sleep(pause)
        if whose == "ours":
            guard = "" if self.options.sloppy else "where clock_timestamp() - now() < interval '1 second'"
            session.run("select pg_current_xact_id()")
            if not session.run("insert into millrace.load (relation, loaded_at, row_count)"
                               f" select 'staging.h', now(), {ROWS} {guard}"
                               " on conflict do nothing returning load_id"):
                session.run("rollback")
                self.figures["refused"] += 1
                return
            session.run(f"insert into staging.h (tag, v) values {rows}")
        else:
            answer = session.run(f"insert into theirs.h (tag, v) values {rows}")
            if answer:
                session.run("rollback")
                self.figures["refused"] += 1
                return
        if not self.options.sloppy and chance.random() < 0.02:
            time.sleep(chance.uniform(1.5, 3))
            self.figures["long"] += 1
        if chance.random() < 0.05:
            session.run("rollback")
            self.figures["aborted"] += 1
            return
        answer = session.run("commit")
        if answer:
            raise RuntimeError(f"commit: {answer}")
        with self.lock:
            self.committed[whose][tag] = sum(values)

    def goes_on(self):
        """Until the time is over; on a slow machine until it says something, too."""
        late = time.monotonic() - self.until
        return late < 0 or late < PATIENCE_S and (
            sum(map(len, self.committed.values())) < ENOUGH or self.moved < ENOUGH_MOVES)

    def writer(self, number):
        chance = random.Random(f"{self.options.seed} {number}")
        session = Session(self.environment)
        whose = "ours" if number % 2 else "theirs"
        count = 0
        try:
            while self.goes_on():
                count += 1
                self.write_one(session, chance, whose, f"{number}.{count}")
                time.sleep(chance.uniform(0, 0.02))
        except RuntimeError as error:
            self.errors.append(str(error))
        session.close()

    def holder(self):
        """An unrelated transaction with an xid, through the middle of it all."""
        session = Session(self.environment)
        time.sleep(self.options.seconds * 0.3)
        session.run("begin; select pg_current_xact_id()")
        time.sleep(self.options.seconds * 0.25)
        session.run("commit")
        session.close()

    def consumer(self):
        while self.goes_on():
            done = self.periodic("--max-loads", "50")
            self.figures["passes"] += 1
            if done.returncode:
                self.errors.append(done.stderr)

    NOTE = " union all ".join(
        f"select 'p.{name}', m.complete_through, (select coalesce(sum(x.n), 0) from p.{name} x"
        f" where x.begun_at <= m.complete_through) from millrace.model m where m.model = 'p.{name}'"
        " and m.complete_through is not null" for name in MODELS)

    def observer(self):
        session = Session(self.environment)
        while self.goes_on():
            session.run(f"insert into noted (mart, complete, n) {self.NOTE}")
            self.moved = int(session.run("select count(distinct (mart, complete)) from noted")[0])
            time.sleep(0.05)
        session.close()

    # --- after ----------------------------------------------------------------

    def compare(self):
        for name in MODELS:
            wanted = self.committed["theirs" if name == "theirs" else "ours"]
            found = {}
            for line in self.psql.run(f"select tag, n, v from p.{name}"):
                tag, n, v = line.split("|")
                found[tag] = (int(n), int(v))
            self.figures["lost"] += sum(found.get(tag, (0, 0))[0] < ROWS for tag in wanted)
            self.figures["doubled"] += sum(
                n > ROWS or tag not in wanted or n == ROWS and v != wanted[tag]
                for tag, (n, v) in found.items())
        self.figures["loads"] = sum(map(len, self.committed.values()))
        self.figures["observations"] = int(self.psql.run("select count(*) from noted")[0])
        self.figures["moved"] = int(self.psql.run("select count(distinct (mart, complete)) from noted")[0])
        self.figures["violations"] = int(self.psql.run(
            "select count(*) from (" + " union all ".join(
                f"select 1 from noted o where o.mart = 'p.{name}' and o.n <> (select coalesce(sum(x.n), 0)"
                f" from p.{name} x where x.begun_at <= o.complete)" for name in MODELS) + ") v")[0])
        lag = self.psql.run("select round(extract(epoch from avg(at - complete)), 1), "
                            "round(extract(epoch from max(at - complete)), 1) from noted")[0]
        print(f"# complete_through behind, average and longest: {lag.replace('|', ' s, ')} s")

    def play(self):
        try:
            self.prepare()
            self.until = time.monotonic() + self.options.seconds
            threads = [threading.Thread(target=self.writer, args=(n,)) for n in range(self.options.writers)]
            threads += [threading.Thread(target=work) for work in
                        (self.consumer, self.consumer, self.observer)]
            if not self.options.sloppy:
                threads.append(threading.Thread(target=self.holder))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for _ in range(3):
                done = self.periodic()
                if done.returncode:
                    self.errors.append(done.stderr)
            self.compare()
        finally:
            self.psql.close()
            subprocess.run(["dropdb", "--force", "--if-exists", self.database], check=True)
            shutil.rmtree(self.folder, ignore_errors=True)
        if self.errors:
            print("# " + self.errors[0].replace("\n", "\n# "))
            self.figures["errors"] = len(self.errors)
        return self.figures


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", default="")
    parser.add_argument("--sloppy", action="store_true")
    return parser.parse_args(arguments)


NAMES = ("loads", "aborted", "long", "refused", "passes", "lost", "doubled", "observations", "moved",
         "violations", "errors")

if __name__ == "__main__":
    found = Load(parse()).play()
    print(" ".join(f"{name}={found[name]}" for name in NAMES))
    sys.exit(any(found[name] for name in ("lost", "doubled", "violations", "errors")))
