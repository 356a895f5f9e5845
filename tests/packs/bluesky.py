"""The bluesky pack: its input in all its shapes, and what it must say.

Generated events, some of them turned into the other shapes of input, some
repeated, odd posts, real captures, and at last the like that alone decides
whether somebody was fast; in half of the histories every line is anywhere.
The oracle is tests/oracle/bluesky.py.
"""
import collections
import csv
import io
import json
import os
import subprocess
import sys
import unicodedata

TESTS = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, TESTS)
from oracle import bluesky as oracle  # noqa: E402  (found through the path set above)

START = "2025-03-16T23:58:30"
SEED = "sql/bluesky/seeds/stop_words.csv"
FRAGMENTS = """engineering Engineering ENGINEERING #engineering engineering's engineering-led
    software_engineering reengineering engineering2 engineeringé é工学engineering ßengineering
    https://example.com/engineering www.engineering.example engineering.example.org/x
    @engineering.example @engineering jobs@engineering.example HTTPS://X/engineering
    straße STRASSE ΟΔΟΣ οδός İstanbul ışık cafe\u0301 naïve Größe ſoft µm don't l’été
    Инженерия ИНЖЕНЕРИЯ エンジニア 工学 공학 हिन्दी كِتَاب ١٢٣ ½ Ⅷ 😀 👩‍💻 . , : / @ # - _
    2025 a x yy the and de for und die node.js/react 3.5/5 (see) "quoted" \\ \t \u2028 \u3000
    """
FRAGMENTS = [fragment for fragment in FRAGMENTS.split(" ") if fragment]

PIPED = True
EXPORTS = ("likes-per-minutes.csv", "fast-likers.csv", "top-10-word.csv",
           "posts-by-time-of-day.csv")
QUERIES = {
    "events": "select (1000000 * extract(epoch from event_at))::bigint, kind, did, collection,"
              " rkey, operation, version, seq, text from bluesky.events",
    "dau": "select date, users from bluesky.dau",
    "posts_by_language": "select date, language, posts from bluesky.posts_by_language",
}


# --- input ------------------------------------------------------------------------

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


def generated(chance, count):
    """Of the generator that ships, in the script's shape."""
    from history import BUILD                            # pylint: disable=import-outside-toplevel

    done = subprocess.run([os.path.join(BUILD, "bluesky"), "max", "--start", START,
                           "--seed", str(chance.randrange(10 ** 6)), "--count", str(count)],
                          check=True, capture_output=True)
    return done.stdout.splitlines(keepends=True)


def lines_of(chance, size):
    start = oracle.microseconds(START, False)
    fed = []
    for number, line in enumerate(generated(chance, size)):
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
        with open(os.path.join(TESTS, "vectors", name), "rb") as file:
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


def other_stop_words():
    """Two of the most used words are no words any more, two are again."""
    with open(os.path.join(TESTS, "..", SEED), encoding="utf-8") as file:
        text = file.read().replace("\nthe,en\n", "\n").replace("\nand,en\n", "\n")
    return (text + "software,en\nteam,en\n").encode()


def pieces(chance, size, count):
    from history import Piece                            # pylint: disable=import-outside-toplevel

    lines = lines_of(chance, size)
    late = stragglers_of(chance, lines)
    if chance.random() < 0.5:
        chance.shuffle(lines)
    cuts = sorted(chance.sample(range(1, len(lines)), count - 1))
    parts = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)])]
    if chance.random() < 0.7:
        chance.shuffle(parts)
    parts += [late] if late else []
    made = [Piece(f"events-{number}.json", b"".join(part)) for number, part in enumerate(parts)]
    made.insert(chance.choice([len(made) // 2, len(made)]), Piece(SEED, other_stop_words()))
    return made


# --- oracle -------------------------------------------------------------------------

def stop_words_of(fed):
    seeds = [piece.data.decode() for piece in fed if piece.name == SEED]
    if not seeds:
        return oracle.stop_words()
    return {row["word"] for row in csv.DictReader(io.StringIO(seeds[-1]))}


def texts(rows):
    return [tuple(None if field is None else str(field) for field in row) for row in rows]


def expected(fed):
    lines = [line for piece in fed if piece.name != SEED
             for line in piece.data.splitlines(keepends=True)]
    found = {name: texts(rows) for name, rows in oracle.marts(lines, stop_words_of(fed)).items()}
    for mart, name in (("dau", "dau.csv"), ("posts_by_language", "posts-by-language.csv")):
        found[mart] = found.pop(name)[1:]                # without the header
    found["events"] = texts(
        (one.at_us, one.kind, one.did, one.collection, one.rkey, one.operation,
         one.version if one.kind == "commit" else None, one.seq if one.kind != "commit" else None,
         one.text) for one in oracle.events(lines))
    return found
