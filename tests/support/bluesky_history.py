#!/usr/bin/env python3
"""The bluesky pack after a random history must say what the oracle says.

    bluesky_history.py [--seed N] [--events N] [--pieces N] [--keep]

Generated events, some of them turned into the other shapes of input, some
repeated, and real ones, are cut into pieces of random size and fed in random order through
handle-streams, with periodic at random moments in between; in half of the
histories every line is anywhere.  At random points
and at the end the exported CSVs and the other marts must equal the oracle's;
a full refresh must change nothing; nor must everything fed once more.

Needs PG* to name a server on which it may create a database; the programs are
taken from $BUILD (build/plain).  Speaks TAP.
"""
import argparse
import collections
import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))
import bluesky as oracle  # noqa: E402  (found through the path set above)

BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/plain"))
START = "2025-03-16T23:58:30"
QUERIES = {
    "events.csv": "select count(*) as events from bluesky.events",
    "dau.csv": "select date, users from bluesky.dau order by date",
    "posts-by-language.csv": "select date, language, posts from bluesky.posts_by_language"
                             ' order by date, language collate "C"',
}
FRAGMENTS = """engineering Engineering ENGINEERING #engineering engineering's engineering-led
    software_engineering reengineering engineering2 engineeringé é工学engineering ßengineering
    https://example.com/engineering www.engineering.example engineering.example.org/x
    @engineering.example @engineering jobs@engineering.example HTTPS://X/engineering
    straße STRASSE ΟΔΟΣ οδός İstanbul ışık cafe\u0301 naïve Größe ſoft µm don't l’été
    Инженерия ИНЖЕНЕРИЯ エンジニア 工学 공학 हिन्दी كِتَاب ١٢٣ ½ Ⅷ 😀 👩‍💻 . , : / @ # - _
    2025 a x yy the and de for und die node.js/react 3.5/5 (see) "quoted" \\ \t \u2028 \u3000
    """
FRAGMENTS = [fragment for fragment in FRAGMENTS.split(" ") if fragment]


class History:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="bluesky-history-")
        self.database = f"bluesky_history_{os.getpid()}"
        self.environment = dict(os.environ, PGDATABASE=self.database, TZ="America/Caracas")
        self.fed = []                                   # every line so far
        self.tests = self.failed = 0
        shutil.copytree(os.path.join(ROOT, "sql"), os.path.join(self.folder, "sql"))

    def close(self):
        subprocess.run(["dropdb", "--if-exists", "--force", self.database], check=False)
        shutil.rmtree(self.folder)

    # --- what is run

    def run(self, program, *arguments, stdin=None):
        command = [os.path.join(BUILD, program), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, input=stdin,
                              stdin=None if stdin is not None else subprocess.DEVNULL,
                              capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"Bail out! {' '.join(command)}: exit {done.returncode}\n"
                     f"{done.stderr.decode(errors='replace')}")
        return done.stdout

    def psql(self, sql, database=None):
        done = subprocess.run(["psql", "-XAtqd", database or self.database, "-c", sql],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def feed(self, lines):
        """As a file or through a pipe, in batches large or small."""
        rows = str(self.random.choice([7, 100, 1000, 50000]))
        data = b"".join(lines)
        if self.random.random() < 0.5:
            path = os.path.join(self.folder, "piece.json")
            with open(path, "wb") as file:
                file.write(data)
            self.run("handle-streams", "--batch-rows", rows, path)
        else:
            self.run("handle-streams", "--batch-rows", rows, stdin=data)
        self.fed += lines

    def periodic(self, *arguments):
        self.run("periodic", "run", "-s", "pack:bluesky", *arguments)

    # --- what is compared

    def marts(self):
        """name -> text of the CSV, as exported or as queried"""
        found = {}
        for name, sql in QUERIES.items():
            found[name] = self.psql(f"copy ({sql}) to stdout csv header")
        for name in ("likes-per-minutes.csv", "fast-likers.csv", "top-10-word.csv",
                     "posts-by-time-of-day.csv"):
            path = os.path.join(self.folder, "metrics", name)
            with open(path, encoding="utf-8", newline="") as file:
                found[name] = file.read().rstrip("\n")
        return found

    def expected(self):
        stop_words = oracle.stop_words(os.path.join(
            self.folder, "sql", "bluesky", "seeds", "stop_words.csv"))
        found = {}
        for name, rows in oracle.marts(self.fed, stop_words).items():
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            found[name] = text.getvalue().rstrip("\n")
        found["events.csv"] = f"events\n{len(oracle.events(self.fed))}"
        return found

    def check(self, sentence, expected=None):
        """Compares the marts, with the oracle's unless others are expected."""
        found, expected = self.marts(), expected or self.expected()
        wrong = [name for name in expected if found[name] != expected[name]]
        self.tests += 1
        self.failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {self.tests} - {sentence}"
              f" ({len(self.fed)} lines, seed {self.options.seed})", flush=True)
        for name in wrong:
            self.explain(name, found[name].split("\n"), expected[name].split("\n"))

    @staticmethod
    def explain(name, found, expected):
        for sign, ours, theirs in (("found", found, expected), ("wanted", expected, found)):
            others = set(theirs)
            lines = [line for line in ours if line not in others]
            print(f"#   {name}: {len(lines)} lines {sign} only: {lines[:5]}")
        if sorted(found) == sorted(expected):
            print(f"#   {name}: the same lines in another order")


# --- what is fed ----------------------------------------------------------------

def encoded(document):
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def rfc3339(us):
    return oracle.shown(us, "%Y-%m-%dT%H:%M:%S.%fZ")


def in_other_shape(line, shape):
    """A line of the script's shape as another producer would send it."""
    event = json.loads(line)
    us = oracle.microseconds(event["timestamp"], False)
    collection, _, rkey = event["path"].partition("/")
    commit = {"rev": f"r{us}", "operation": event["action"], "collection": collection,
              "rkey": rkey, "record": event["record"], "cid": event["cid"]}
    commit = {name: value for name, value in commit.items() if value is not None}
    if shape == "jetstream":
        return encoded({"did": event["repo"], "time_us": us, "kind": "commit",
                        "commit": commit})
    if shape == "cursor":
        return encoded({"did": event["repo"], "time_us": us, "cursor": us % 10 ** 9,
                        "kind": "commit", "commit": commit})
    if shape == "v0":
        commit["type"] = commit.pop("operation")[0]
        return encoded({"did": event["repo"], "time_us": us, "type": "com",
                        "commit": commit})
    payload = {"$type": "network.bsky.jetstream.subscribeEvents#commit", "seq": us % 10 ** 9,
               "did": event["repo"], "time": rfc3339(us), **commit}
    return encoded({"$type": "message", "payload": payload})


def odd_text(chance):
    parts = []
    for _ in range(chance.randrange(1, 16)):
        part = chance.choice(FRAGMENTS)
        if chance.random() < 0.2:
            part = chr(chance.choice([chance.randrange(0xa0, 0x530), 0x1f600, 0x3042,
                                      chance.randrange(0x4e00, 0x5000)]))
            if unicodedata.category(part) == "Cn":
                continue
        parts += [part, chance.choice([" ", " ", " ", ""])]
    return "".join(parts)


def odd_post(chance, number, us):
    """A post made of everything the rule about words is about."""
    event = {"timestamp": oracle.shown(us, "%Y-%m-%dT%H:%M:%S.%f"), "action": "create",
             "path": f"app.bsky.feed.post/odd{number}", "cid": f"bafyodd{number}",
             "prev": None, "py_type": "com.atproto.sync.subscribeRepos#repoOp",
             "record": {"$type": "app.bsky.feed.post", "createdAt": "not a time",
                        "text": odd_text(chance),
                        "langs": chance.choice([[], ["en"], ["pt-BR", "en-US", "en-GB"], ["EN"]])},
             "repo": f"did:plc:odd{number % 7}"}
    return (json.dumps(event) + "\n").encode()


def other_kind(chance, number, us):
    """An identity or account event; they have no place in the marts."""
    name = chance.choice(["identity", "account"])
    detail = {"did": f"did:plc:odd{number % 5}", "seq": 3 * 10 ** 10 + number % 50,
              "time": rfc3339(us)}
    if name == "account":
        detail["active"] = True
    return encoded({"did": detail["did"], "time_us": us, "kind": name, name: detail})


def lines_of(history):
    options, chance = history.options, history.random
    lines = history.run("bluesky", "max", "--seed", str(options.seed), "--start", START,
                        "--count", str(options.events)).splitlines(keepends=True)
    start = oracle.microseconds(START, False)
    fed = []
    for number, line in enumerate(lines):
        shape = chance.choice(["jetstream", "cursor", "v0", "v2", "", "", "", ""])
        fed.append(in_other_shape(line, shape) if shape else line)
        if chance.random() < 0.02:
            fed.append(in_other_shape(line, chance.choice(["jetstream", "v0", "v2"])))
        if chance.random() < 0.05:
            us = start + chance.randrange(-10 ** 11, 10 ** 9)
            fed.append(odd_post(chance, number, us))
        if chance.random() < 0.01:
            fed.append(other_kind(chance, number, start + chance.randrange(10 ** 9)))
    for name in ("bluesky_capture.jsonl", "replay_overlap.jsonl"):
        with open(os.path.join(ROOT, "tests", "vectors", name), "rb") as file:
            fed += file.readlines()
    return fed


def stragglers_of(chance, lines):
    """Takes one like of each busy liker out of lines: it will come alone, and
    alone decide whether that user was fast."""
    likes = collections.defaultdict(list)
    for number, line in enumerate(lines):
        if b"app.bsky.feed.like" in line and b"create" in line and b"timestamp" in line:
            likes[line[line.rindex(b"did:plc:"):]].append(number)
    taken = {chance.choice(numbers) for numbers in likes.values() if len(numbers) >= 20}
    late = [lines[number] for number in sorted(taken)]
    lines[:] = [line for number, line in enumerate(lines) if number not in taken]
    return late


def pieces_of(history, lines):
    chance = history.random
    late = stragglers_of(chance, lines)
    if chance.random() < 0.5:
        chance.shuffle(lines)
    cuts = sorted(chance.sample(range(1, len(lines)), history.options.pieces - 1))
    pieces = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)])]
    if chance.random() < 0.7:
        chance.shuffle(pieces)
    return [*pieces, late] if late else pieces


def change_stop_words(history):
    """Two of the most used words are no words any more, one is again."""
    path = os.path.join(history.folder, "sql", "bluesky", "seeds", "stop_words.csv")
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("\nthe,en\n", "\n").replace("\nand,en\n", "\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "software,en\nteam,en\n")


def play(history):
    chance = history.random
    history.psql(f'create database "{history.database}"', "postgres")
    pieces = pieces_of(history, lines_of(history))
    for number, piece in enumerate(pieces):
        history.feed(piece)
        if chance.random() < 0.1:
            history.feed(chance.choice(pieces[:number + 1]))
        if chance.random() < 0.7:
            history.periodic()
            if chance.random() < 2 / len(pieces):
                history.check("in the middle of a history the marts equal the oracle's")
    history.periodic()
    history.check("after the history the marts equal the oracle's")
    before = history.marts()
    history.feed(history.fed[:])
    history.periodic()
    history.check("everything fed once more changes nothing", before)
    history.periodic("--full-refresh")
    history.check("a full refresh gives the same marts")
    change_stop_words(history)
    history.periodic()
    history.check("changed stop words change the words and nothing else")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--pieces", type=int, default=12)
    parser.add_argument("--keep", action="store_true", help="leave folder and database")
    history = History(parser.parse_args())
    try:
        play(history)
    finally:
        if history.options.keep:
            print(f"# kept: {history.folder}, database {history.database}")
        else:
            history.close()
    print(f"1..{history.tests}")
    sys.exit(1 if history.failed else 0)


if __name__ == "__main__":
    main()
