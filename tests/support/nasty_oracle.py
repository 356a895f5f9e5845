#!/usr/bin/env python3
"""What must become of each line of tests/vectors/nasty.ndjson.

Written from the rules (stream files' comments, decode.h, convert.h), with
Python's json and decimal, and not from the decoder. Prints one row a line:

    line <tab> name <tab> verdict <tab> values

verdict: the stream whose row it becomes, or `reject` and a class. values: for
a row its columns as a JSON array (times in microseconds since 2000, long texts
as [bytes, first characters, last characters]); for a reject a column or "-".

    tests/support/nasty_oracle.py tests/vectors > tests/vectors/nasty_expected.tsv
"""
import datetime
import decimal
import json
import re
import sys

MAX_DEPTH = 200  # handle-streams --max-depth
MAX_TOKENS = 1000000  # --max-tokens
EPOCH_2000 = datetime.datetime(2000, 1, 1)
ABSENT = object()


class Rejected(Exception):
    pass


class Number(str):
    """The digits of a JSON number."""


def depth_of(text):
    """Deepest nesting outside strings; what cannot be parsed counts too."""
    deepest = depth = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', text, re.S):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


def strings_of(value):
    if isinstance(value, Number):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from strings_of(element)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from strings_of(member)


class Pairs(dict):
    """An object: the last of equal keys counts, every one is a token."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.all = pairs


def tokens_of(value):
    if isinstance(value, dict):
        return 1 + sum(1 + tokens_of(member) for _, member in value.all)
    if isinstance(value, list):
        return 1 + sum(tokens_of(element) for element in value)
    return 1


def constant(word):
    raise ValueError(word)


def parse(raw):
    if not raw.strip(b" \t\r\n"):
        raise Rejected("empty")
    if raw.lstrip(b" \t\r\n")[:1] != b"{":
        raise Rejected("not_object")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected("utf8")
    if depth_of(text) > MAX_DEPTH:
        raise Rejected("depth")
    try:
        value = json.loads(text, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number,
                           parse_constant=constant)
    except json.JSONDecodeError as error:
        if "control character" in error.msg:
            raise Rejected("control")
        rest = text[error.pos:].lstrip()
        cut = not rest or "Unterminated" in error.msg or "escape" in error.msg and len(rest) < 6
        raise Rejected("cut" if cut else "syntax")
    except ValueError:
        raise Rejected("syntax")
    strings = list(strings_of(value))
    if any("\0" in string for string in strings):
        raise Rejected("nul")
    if any(re.search("[\ud800-\udfff]", string) for string in strings):
        raise Rejected("surrogate")
    if tokens_of(value) > MAX_TOKENS:
        raise Rejected("tokens")
    return value


def at(record, path):
    for key in path.split("."):
        if not isinstance(record, dict) or key not in record:
            return ABSENT
        record = record[key]
    return record


def has(record, *paths):
    return all(at(record, path) is not ABSENT for path in paths)


def is_text(value):
    return isinstance(value, str) and not isinstance(value, Number)


def text(record, *paths):
    for path in paths:
        path, _, cut = path.partition(" ")
        value = at(record, path)
        if not is_text(value):
            continue
        if cut and cut[0] == "<":
            return value.split(cut[1])[0]
        if cut and cut[0] == ">":
            if cut[1] not in value:
                continue
            return value.split(cut[1], 1)[1]
        return value
    return None


def in_years(microseconds, column):
    first = (datetime.datetime(1, 1, 1) - EPOCH_2000) // datetime.timedelta(microseconds=1)
    last = (datetime.datetime.max - EPOCH_2000) // datetime.timedelta(microseconds=1)
    if not first <= microseconds <= last:
        raise Rejected("column", column)
    return int(microseconds)


def from_epoch(number, unit, column):
    if decimal.Decimal(number).adjusted() > 30:
        raise Rejected("column", column)
    value = (decimal.Decimal(number) * unit).quantize(1, decimal.ROUND_HALF_UP)
    return in_years(value - 946684800000000, column)


def from_text(string, zone_required, column):
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?",
                         string, re.A)
    if not found or zone_required and (not found[5] or found[2] != "T"):
        raise Rejected("column", column)
    value = datetime.datetime.fromisoformat(found[1] + "T" + found[3])
    fraction = int(((found[4] or ".") + "000000")[1:7])
    offset = 0
    if found[5] and found[5] != "Z":
        offset = int(found[5][0] + "1") * (int(found[5][1:3]) * 60 + int(found[5][4:6]))
    microseconds = (value - EPOCH_2000) // datetime.timedelta(microseconds=1) + fraction
    return in_years(microseconds - offset * 60000000, column)


def bluesky_event_at(record):
    if isinstance(at(record, "time_us"), Number):
        return from_epoch(at(record, "time_us"), 1, "event_at")
    if is_text(at(record, "payload.time")):
        return from_text(at(record, "payload.time"), True, "event_at")
    if is_text(at(record, "timestamp")):
        return from_text(at(record, "timestamp"), False, "event_at")
    raise Rejected("column", "event_at")


def required(value, column):
    if value is None:
        raise Rejected("column", column)
    return value


def sequence(record):
    for path in ("identity.seq", "account.seq", "payload.identity.seq", "payload.account.seq",
                 "payload.sync.seq", "payload.seq"):
        value = at(record, path)
        if isinstance(value, Number):
            return int(value)
    return None


def languages(record):
    for path in ("commit.record.langs", "payload.record.langs", "record.langs"):
        value = at(record, path)
        if is_text(value):
            return [value]
        if isinstance(value, list):
            if not all(element is None or is_text(element) for element in value):
                raise Rejected("column", "langs")
            return value
    return None


def bluesky(record):
    inside = ("commit.record.", "payload.record.", "record.")
    return [
        bluesky_event_at(record),
        text(record, "kind", "type", "payload.$type >#"),
        text(record, "commit.operation", "payload.operation", "action", "commit.type"),
        required(text(record, "did", "payload.did", "repo"), "did"),
        text(record, "commit.collection", "payload.collection", "path </"),
        text(record, "commit.rkey", "payload.rkey", "path >/"),
        text(record, "commit.rev", "payload.rev"),
        text(record, "commit.cid", "payload.cid", "cid"),
        sequence(record),
        text(record, *(place + "subject.uri" for place in inside), "record.uri"),
        text(record, *(place + "subject" for place in inside)),
        text(record, *(place + "text" for place in inside)),
        languages(record),
        text(record, *(place + "createdAt" for place in inside)),
    ]


def visitor(record):
    for path in ("user_id", "userId", "anonymousId", "domain_userid", "network_userid",
                 "distinct_id", "payload.id"):
        value = at(record, path)
        if is_text(value) or (isinstance(value, Number)
                              and path in ("user_id", "userId", "distinct_id")):
            return str(value)
    raise Rejected("column", "user_id")


def pageviews(record):
    user = visitor(record)
    url = required(text(record, "url", "page_url", "properties.url", "context.page.url",
                        "properties.$current_url", "payload.url", "u"), "url")
    for path in ("pageview_datetime", "derived_tstamp", "collector_tstamp", "timestamp",
                 "originalTimestamp", "receivedAt", "properties.$time", "payload.timestamp"):
        value = at(record, path)
        written = path not in ("properties.$time", "payload.timestamp")
        since = path in ("pageview_datetime", "timestamp") or not written
        if since and isinstance(value, Number):
            return [user, url, from_epoch(value, 1000000, "viewed_at")]
        if written and is_text(value):
            return [user, url, from_text(value, False, "viewed_at")]
    raise Rejected("column", "viewed_at")


def is_pageview(record):
    return (has(record, "user_id", "url", "pageview_datetime")
            or has(record, "user_id", "url", "timestamp")
            or (at(record, "type") == "page" and has(record, "messageId"))
            or (at(record, "event") == "page_view" and has(record, "page_url"))
            or (at(record, "event") == "$pageview" and has(record, "distinct_id"))
            or (at(record, "n") == "pageview" and has(record, "u"))
            or (at(record, "name") == "pageview" and has(record, "domain", "url"))
            or (at(record, "type") == "event" and has(record, "payload.website")
                and at(record, "payload.name") in (None, ABSENT)))


def stream_of(record):
    takers = []
    if (has(record, "did", "time_us", "kind") or has(record, "did", "time_us", "type")
            or has(record, "payload.did", "payload.time") or has(record, "path", "repo")):
        takers.append(("bluesky_events", bluesky))
    if is_pageview(record):
        takers.append(("pageviews", pageviews))
    if len(takers) != 1:
        raise Rejected("ambiguous_stream" if takers else "unknown_stream")
    return takers[0]


def shown(value):
    if is_text(value) and len(value.encode()) > 200:
        return [len(value.encode()), value[:40], value[-40:]]
    return value


def main():
    folder = sys.argv[1]
    names = [line.split("\t")[1] for line in open(f"{folder}/nasty_cases.tsv", encoding="utf-8")][1:]
    lines = open(f"{folder}/nasty.ndjson", "rb").read().split(b"\n")[:-1]
    assert len(lines) == len(names)
    for number, (raw, name) in enumerate(zip(lines, names), 1):
        try:
            record = parse(raw)
            stream, read = stream_of(record)
            values = json.dumps([shown(value) for value in read(record)])
            print(number, name, stream, values, sep="\t")
        except Rejected as rejected:
            print(number, name, f"reject {rejected.args[0]}", (rejected.args + ("-",))[1], sep="\t")


main()
