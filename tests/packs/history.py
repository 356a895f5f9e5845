#!/usr/bin/env python3
"""A pack after a random history must say what its oracle says.

    history.py PACK... [--seed N] [--histories N] [--size N] [--pieces N]
               [--together] [--keep]

Generated input with all the dirt the pack is to stand, cut into files, is fed
in the pack's own order through handle-streams, with periodic at random moments
in between.  At random points and at the end every mart must equal the oracle's;
everything fed once more and a full refresh must change nothing.  --together plays
the histories of all the packs at once, in one database.

A pack is a module beside this one:

    pieces(chance, size, pieces) -> [Piece]      what is fed, in order; a name that
                                                 begins with sql/ is a seed's file
    expected(fed) -> {mart: [row, ...]}          rows of texts, NULL as None
    QUERIES = {mart: sql}                        the same from the database

and, where it has them:

    rejects(fed)                                 how many are expected
    EXPORTS = (name, ...)                        files in metrics/ that are marts as well,
                                                 header first, their rows in that order
    PIPED = True                                 an event is known again: pieces may come
                                                 through a pipe, which the ledger cannot know

PG* names a server on which databases may be made; the programs are those in
$BUILD.  Speaks TAP.
"""
import argparse
import collections
import concurrent.futures
import csv
import importlib
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/plain"))

# A file: its bytes, and what handle-streams is told beside its name.
Piece = collections.namedtuple("Piece", "name data arguments", defaults=((),))


class Broken(Exception):
    """A program has failed: nothing can be said about the rest."""


class History:
    """Of one pack, in a database of its own, or in that of another history."""

    def __init__(self, name, seed, keep=False, beside=None):
        self.name, self.seed, self.keep, self.beside = name, seed, keep, beside
        self.pack = importlib.import_module(name)
        self.exports = getattr(self.pack, "EXPORTS", ())
        self.chance = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix=f"{name}-history-")
        self.database = beside.database if beside else f"{name}_history_{os.getpid()}_{seed}"
        self.environment = dict(os.environ, PGDATABASE=self.database, TZ="America/Caracas")
        self.fed = []
        self.loads = self.comparisons = self.rejects_found = 0
        shutil.copytree(os.path.join(ROOT, "sql"), os.path.join(self.folder, "sql"))
        if beside:
            return
        self.psql(f'create database "{self.database}" template template0', "postgres")
        zone = self.chance.choice(["UTC", "Asia/Tokyo", "America/St_Johns"])
        self.psql(f'alter database "{self.database}" set timezone = \'{zone}\'', "postgres")

    def close(self):
        if self.keep:
            print(f"# kept: {self.folder}, database {self.database}")
            return
        if not self.beside:
            subprocess.run(["dropdb", "--if-exists", "--force", self.database], check=False)
        shutil.rmtree(self.folder)

    def run(self, program, *arguments, fed=b""):
        command = [os.path.join(BUILD, program), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environment,
                              input=fed, capture_output=True, check=False)
        if done.returncode:
            raise Broken(f"seed {self.seed}: {' '.join(command)}: exit {done.returncode}\n"
                         f"{done.stderr.decode(errors='replace')}")

    def psql(self, sql, database=None):
        done = subprocess.run(["psql", "-XAtqd", database or self.database, "-v",
                               "ON_ERROR_STOP=1", "-c", sql],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Broken(f"seed {self.seed}: {done.stderr}")
        return done.stdout

    def feed(self, piece, piped=False):
        path = os.path.join(self.folder, piece.name)
        rows = str(self.chance.choice([3, 50, 50000] if len(piece.data) < 10 ** 5
                                      else [100, 1000, 50000]))
        if piped:
            self.run("handle-streams", "--batch-rows", rows, *piece.arguments, fed=piece.data)
        else:
            with open(path, "wb") as file:
                file.write(piece.data)
            if piece.name.startswith("sql/"):            # a seed has changed
                return
            self.run("handle-streams", "--batch-rows", rows, *piece.arguments, path)
            os.unlink(path)
        self.loads += 1

    def rejects(self):
        streams = [f"'staging.{name[:-4]}'" for name in os.listdir(
            os.path.join(self.folder, "sql", self.name, "streams"))]
        return int(self.psql("select count(*) from millrace.reject"
                             f" where relation in ({', '.join(streams)})"))

    def periodic(self, *arguments):
        self.run("periodic", "run", "-s", f"+pack:{self.name}", *arguments)

    def found(self):
        """{mart: rows}; an empty text and NULL are not the same"""
        marts = {}
        for mart, sql in self.pack.QUERIES.items():
            text = self.psql(f"copy ({sql}) to stdout (format csv, null '\\N')")
            marts[mart] = [tuple(None if field == "\\N" else field for field in row)
                           for row in csv.reader(io.StringIO(text))]
        for name in self.exports:
            with open(os.path.join(self.folder, "metrics", name), encoding="utf-8",
                      newline="") as file:
                marts[name] = [tuple(row) for row in csv.reader(file)]
        return marts

    def wrong(self, expected):
        """What differs, said; marts are sets of rows"""
        found, said = self.found(), []
        for mart, rows in expected.items():
            ours, theirs = collections.Counter(found[mart]), collections.Counter(rows)
            for sign, extra in (("found", ours - theirs), ("wanted", theirs - ours)):
                if extra:
                    said.append(f"{mart}: {sum(extra.values())} rows {sign} only: "
                                f"{sorted(extra, key=repr)[:4]}")
            if mart in self.exports and ours == theirs and found[mart] != rows:
                said.append(f"{mart}: the same rows in another order")
        return said


class Tally:
    def __init__(self):
        self.tests = self.failed = 0
        self.lock = threading.Lock()

    def check(self, history, sentence, said):
        with self.lock:
            self.tests += 1
            self.failed += bool(said)
            history.comparisons += len(history.pack.QUERIES) + len(history.exports)
            print(f"{'not ok' if said else 'ok'} {self.tests} - {history.name}: {sentence} "
                  f"(seed {history.seed})", flush=True)
            for line in said:
                print(f"#   {line}")


def deliver(history, piece):
    """As a file or through a pipe."""
    piped = getattr(history.pack, "PIPED", False) and not piece.name.startswith("sql/")
    history.feed(piece, piped and history.chance.random() < 0.5)
    history.fed.append(piece)


def again(history, piece):
    """What has been loaded comes once more, through a pipe where it may, so that
    the rows do come again; not an older extract, nor a range that was corrected
    since."""
    if piece.name.startswith("sql/") or piece.arguments:
        return
    if getattr(history.pack, "PIPED", False):
        history.feed(piece, piped=True)
        history.fed.append(piece)
    else:
        history.feed(piece)


def play(history, tally, size, pieces):
    pack, chance = history.pack, history.chance
    for piece in pack.pieces(chance, size, pieces):
        deliver(history, piece)
        if chance.random() < 0.1:
            again(history, chance.choice(history.fed))
        if chance.random() < 0.6:
            history.periodic()
            if chance.random() < 0.25:
                tally.check(history, "in the middle of a history the marts equal the oracle's",
                            history.wrong(pack.expected(history.fed)))
    history.periodic()
    tally.check(history, "after the history the marts equal the oracle's",
                history.wrong(pack.expected(history.fed)))
    if hasattr(pack, "rejects"):
        count = history.rejects_found = history.rejects()
        wanted = pack.rejects(history.fed)
        tally.check(history, "as many rejects as there are bad records",
                    [] if count == wanted else [f"{count} rejects, {wanted} expected"])
    before = history.found()
    for piece in history.fed[:]:
        again(history, piece)
    history.periodic()
    tally.check(history, "every file fed once more changes nothing", history.wrong(before))
    history.periodic("--full-refresh")
    tally.check(history, "a full refresh gives the same marts", history.wrong(before))


def apart(names, tally, options):
    """One after the other -> all that were played"""
    for name in names:
        for seed in range(options.seed, options.seed + options.histories):
            history = History(name, seed, options.keep)
            try:
                play(history, tally, options.size, options.pieces)
            finally:
                history.close()
            yield history


def together(names, tally, options):
    """All packs at once in one database, their programs side by side"""
    for seed in range(options.seed, options.seed + options.histories):
        first = History(names[0], seed, options.keep)
        played = [first, *(History(name, seed, options.keep, first) for name in names[1:])]
        try:
            with concurrent.futures.ThreadPoolExecutor(len(played)) as pool:
                for done in [pool.submit(play, history, tally, options.size, options.pieces)
                             for history in played]:
                    done.result()
        finally:
            for history in reversed(played):
                history.close()
        yield from played


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pack", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=2)
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--pieces", type=int, default=8)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave folder and database")
    options = parser.parse_args()
    sys.path.insert(0, HERE)
    tally = Tally()
    try:
        played = list((together if options.together else apart)(options.pack, tally, options))
    except Broken as broken:
        sys.exit(f"Bail out! {broken}")
    for name in options.pack:
        mine = [history for history in played if history.name == name]
        print(f"# {name}: {len(mine)} histories, {sum(one.loads for one in mine)} files loaded, "
              f"{sum(one.rejects_found for one in mine)} rejects, "
              f"{sum(one.comparisons for one in mine)} comparisons of marts")
    print(f"1..{tally.tests}")
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
