#!/usr/bin/env python3
"""What the bluesky pack must say about a stream of events.

    bluesky.py OUTPUT_DIR [FILE...]        events as JSON lines, else from stdin

An oracle: slow, plain, written from the description of the pack and not from
its SQL.  It takes all five shapes of event, mixed, in any order and repeated
at will, and writes the CSVs as `periodic` must export them, and two marts that
are not exported:

    likes-per-minutes.csv  fast-likers.csv  top-10-word.csv
    posts-by-time-of-day.csv  dau.csv  posts-by-language.csv

Lines that are not events are left out, as handle-streams rejects them.
"""
import collections
import csv
import datetime
import json
import os
import re
import sys
import unicodedata

EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
OPERATIONS = {"c": "create", "u": "update", "d": "delete"}
KINDS = {"com": "commit", "id": "identity", "acc": "account"}
STOP_WORDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                          "sql", "bluesky", "seeds", "stop_words.csv")

Event = collections.namedtuple(
    "Event", "at_us kind did collection rkey operation version seq text langs content")


# --- reading: five shapes, one event ------------------------------------------

def microseconds(text, zoned):
    if zoned != (text[-1:] in "Zz" or text[-6:-5] in ("+", "-")):
        raise ValueError("zone")
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo:
        moment = moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return (moment - EPOCH) // MICROSECOND


def string(value):
    return value if isinstance(value, str) else None


def member(value, *names):
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def whole(value):
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number")
    return value


def event_of(document):
    """The event a JSON document tells of; ValueError, KeyError: none."""
    kind = seq = rev = None
    if "time_us" in document:                           # Jetstream, v0 too
        kind = document.get("kind") or document.get("type")
        at_us, did = whole(document["time_us"]), document["did"]
        commit = document.get("commit") or {}
        operation = commit.get("operation") or commit.get("type")
        collection, rkey = commit.get("collection"), commit.get("rkey")
        detail = document.get("identity") or document.get("account") or {}
        seq = detail.get("seq")
    elif "payload" in document:                         # Jetstream v2
        commit = document["payload"]
        kind = commit["$type"].partition("#")[2]
        at_us, did = microseconds(commit["time"], True), commit["did"]
        operation = commit.get("operation")
        collection, rkey = commit.get("collection"), commit.get("rkey")
        detail = commit.get("identity") or commit.get("account") or {}
        seq = detail.get("seq")
    else:                                               # the script's
        commit = document
        kind = "commit"
        at_us, did = microseconds(document["timestamp"], False), document["repo"]
        operation = document["action"]
        collection, _, rkey = document["path"].partition("/")
    kind = KINDS.get(kind, kind)
    operation = OPERATIONS.get(operation, operation)
    rev, cid = string(commit.get("rev")), string(commit.get("cid"))
    record = commit.get("record")
    text = string(member(record, "text"))
    langs = member(record, "langs")
    if isinstance(langs, list) and all(isinstance(x, str) for x in langs):
        langs = tuple(langs)
    else:
        langs = None
    subject = member(record, "subject")
    content = (rev, cid, string(member(subject, "uri")), string(subject), text, langs,
               string(member(record, "createdAt")))
    if not isinstance(did, str):
        raise ValueError("no did")
    return Event(at_us, kind, did, collection, rkey, operation, cid or rev, seq, text,
                 langs, content)


def events(lines):
    """Every event once: of doubles the earliest stays, then the smaller content."""
    kept = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            event = event_of(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if event.kind == "commit":
            key = (event.did, event.collection, event.rkey, event.operation, event.version)
        else:
            key = (event.did, event.kind, event.seq)
        known = kept.get(key)
        if known is None or rank(event) < rank(known):
            kept[key] = event
    return kept.values()


def rank(event):
    return event.at_us, [(0, part) if part is not None else (1,) for part in event.content]


# --- words --------------------------------------------------------------------

LETTER, DIGIT, OTHER = "\ue000", "\ue001", "\ue002"


class Shadow(dict):
    """Every character beyond ASCII becomes one that says what it is, so that
    patterns need no Unicode of their own and positions stay the same."""

    def __missing__(self, code):
        char = chr(code)
        category = unicodedata.category(char)
        if char.isspace():
            self[code] = " "
        elif code < 128:
            self[code] = char
        elif category[0] == "L":
            self[code] = LETTER
        elif category == "Nd":
            self[code] = DIGIT
        else:
            self[code] = OTHER
        return self[code]


SHADOW = Shadow()
L = f"A-Za-z{LETTER}"
LD = f"{L}0-9{DIGIT}"
URL = re.compile(rf"(?:(?:https?://)|(?:(?<![{LD}])www\.)"
                 rf"|(?:[{LD}-]+(?:\.[{LD}-]+)*\.[{L}]{{2,}}/))\S*", re.I | re.A)
MENTION = re.compile(r"@[A-Za-z0-9_][A-Za-z0-9_.-]*")
ENGINEERING = re.compile(rf"(?<![{LD}])engineering(?![{LD}])", re.I | re.A)
RUN = re.compile(rf"[{L}]{{2,}}")


def without(pattern, text):
    """text with a space for every match of pattern in its shadow"""
    parts, last = [], 0
    for match in pattern.finditer(text.translate(SHADOW)):
        parts += [text[last:match.start()], " "]
        last = match.end()
    return "".join(parts) + text[last:]


def words_about_engineering(text):
    text = without(MENTION, without(URL, text))
    shadow = text.translate(SHADOW)
    if not ENGINEERING.search(shadow):
        return []
    return [text[m.start():m.end()].casefold() for m in RUN.finditer(shadow)]


# --- the marts ----------------------------------------------------------------

def is_fast(times):
    times = sorted(times)
    return any(last - first < MINUTE_US for first, last in zip(times, times[49:]))


def shown(us, pattern):
    return (EPOCH + us * MICROSECOND).strftime(pattern)


def languages(langs):
    return {tag.split("-")[0].lower() or "unknown" for tag in langs or []} or {"unknown"}


def marts(lines, stop_words):
    """name of the CSV -> its rows, header first"""
    minutes, hours, words = (collections.Counter() for _ in range(3))
    tongues, active, likes = collections.Counter(), collections.defaultdict(set), \
        collections.defaultdict(list)
    for event in events(lines):
        if event.kind != "commit" or event.operation != "create":
            continue
        active[event.at_us // DAY_US].add(event.did)
        if event.collection == "app.bsky.feed.like":
            minutes[event.at_us // MINUTE_US] += 1
            likes[event.did].append(event.at_us)
        elif event.collection == "app.bsky.feed.post":
            day, hour = event.at_us // DAY_US, event.at_us % DAY_US // HOUR_US
            hours[(day + 4) % 7, hour] += 1             # day 0 was a Thursday
            for language in languages(event.langs):
                tongues[day, language] += 1
            if event.text and "engineering" in event.text.lower():
                words.update(words_about_engineering(event.text))
    for word in [*stop_words, "engineering"]:
        words.pop(word, None)
    fast = [(user, len(times)) for user, times in likes.items() if is_fast(times)]
    return {
        "likes-per-minutes.csv": [("time", "likes")] + [
            (shown(m * MINUTE_US, "%Y-%m-%d %H:%M:%S"), n) for m, n in sorted(minutes.items())],
        "fast-likers.csv": [("user_id", "likes")] + sorted(
            fast, key=lambda row: (-row[1], row[0])),
        "top-10-word.csv": [("word", "count")] + sorted(
            words.items(), key=lambda row: (-row[1], row[0]))[:10],
        "posts-by-time-of-day.csv": [("day_of_week", "hour_of_day", "number_of_posts")] + sorted(
            ((d, h, n) for (d, h), n in hours.items()),
            key=lambda row: (-row[2], row[0], row[1])),
        "dau.csv": [("date", "users")] + [
            (shown(d * DAY_US, "%Y-%m-%d"), len(users)) for d, users in sorted(active.items())],
        "posts-by-language.csv": [("date", "language", "posts")] + [
            (shown(d * DAY_US, "%Y-%m-%d"), tag, n) for (d, tag), n in sorted(tongues.items())],
    }


def stop_words(path=STOP_WORDS):
    with open(path, encoding="utf-8", newline="") as file:
        return {row["word"] for row in csv.DictReader(file)}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lines = (line for name in sys.argv[2:] or [0] for line in open(name, "rb"))
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, rows in marts(lines, stop_words()).items():
        with open(os.path.join(sys.argv[1], name), "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
