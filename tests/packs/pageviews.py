#!/usr/bin/env python3
"""The pageviews pack: its input with all its dirt, and what it must say.

    pageviews.py [--seed N] [--users N] [--views N] [--day N] [--hour N] users|views

writes the extract of users of a day, or its page views, or those of an hour of
it, to stdout, millions if need be.  The oracle keeps every extract and every file in
memory and looks each view up in them.
"""
import argparse
import collections
import datetime
import itertools
import json
import random
import sys

START = datetime.datetime(2025, 3, 8)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
POSTCODES = ["1011AB", "1012CD", "9711LM", "3500ZZ"]
COLUMNS = ("hour, postcode, num_pageviews", "day, postcode, num_pageviews",
           "month, postcode, num_pageviews")
MARTS = ("pageviews_by_current_postcode", "pageviews_by_postcode")

QUERIES = {
    "users_history": "select user_id, postcode, dbt_valid_from, dbt_valid_to"
                     " from pageviews.users_history",
    "user_pageviews_by_hour": "select hour, user_id, num_pageviews"
                              " from pageviews.user_pageviews_by_hour",
    **{mart + suffix: f"select {columns} from pageviews.{mart}{suffix}" for mart in MARTS
       for suffix, columns in zip(("", "_and_day", "_and_month"), COLUMNS)},
}


# --- input ------------------------------------------------------------------------

def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def written(chance, names, rows):
    """As CSV or as JSON lines."""
    if chance.random() < 0.5:
        lines = [json.dumps(dict(zip(names, row))) for row in rows]
    else:
        lines = [",".join(names), *(",".join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def move(chance, users, everybody):
    """Another day: some move, leave, come back or join."""
    for user in everybody:
        if chance.random() < 0.15:
            users[user] = chance.choice(POSTCODES)
        elif chance.random() < 0.05:
            users.pop(user, None)


def view(chance, user, hour):
    moment = hour + datetime.timedelta(seconds=chance.choice([0, 1800, 3599]))
    return (user, chance.choice(["/", "/a?b=c", "/%00"]), moment.strftime("%Y-%m-%d %H:%M:%S"))


def bad(chance, rows):
    """Some records that cannot become a row."""
    user, url, moment = chance.choice(rows)
    return [chance.choice([(user, url, "3/10/25 7:30"), (user, url, "2025-02-30 10:00:00"),
                           (user, url, "soon")]) for _ in range(chance.choice([0, 0, 2]))]


def pieces(chance, size, count):
    from history import Piece                            # pylint: disable=import-outside-toplevel

    everybody = [str(number) for number in range(max(4, size // 12))]
    users, made, number = {}, [], 0
    for day in range(max(3, count // 2)):
        midnight = START + DAY * day
        move(chance, users, everybody[:len(everybody) * (day + 1) // 3 + 1])
        if users and chance.random() < 0.9:              # an extract may be missing
            at = midnight + HOUR * chance.choice([0, 0, 3])
            rows = sorted(users.items())
            chance.shuffle(rows)
            made.append(Piece(f"users-{day}", written(chance, ["id", "postcode"], rows),
                              ("--effective", iso(at))))
        for _ in range(2):
            hour = midnight + HOUR * chance.randrange(24)
            late = midnight - HOUR * chance.randrange(60)
            rows = [view(chance, chance.choice(everybody), chance.choice([hour, hour, late]))
                    for _ in range(size // (2 * count))]
            rows += chance.choices(rows, k=3)            # equal rows are different views
            rows += bad(chance, rows)
            made.append(Piece(f"views-{number}", written(
                chance, ["user_id", "url", "pageview_datetime"], rows)))
            number += 1
        if chance.random() < 0.4:                        # an hour is corrected
            hour = midnight + HOUR * chance.randrange(-24, 24)
            rows = [view(chance, chance.choice(everybody), hour) for _ in range(4)]
            made.append(Piece(f"corrected-{number}", written(
                chance, ["user_id", "url", "pageview_datetime"], rows),
                ("--replace-range", f"{iso(hour)},{iso(hour + HOUR)}")))
            number += 1
    return made


# --- oracle -------------------------------------------------------------------------

def rows_of(piece, names):
    lines = piece.data.decode().splitlines()
    if lines[0].startswith("{"):
        return [tuple(json.loads(line)[name] for name in names) for line in lines]
    return [tuple(line.split(",")) for line in lines[1:]]


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", ""))


def readable(row):
    try:
        return bool(when(row[2]))
    except ValueError:
        return False


def rejects(fed):
    return sum(not readable(row) for piece in fed if not piece.name.startswith("users")
               for row in rows_of(piece, ["user_id", "url", "pageview_datetime"]))


def replay(fed):
    """-> extracts [(time, {user: postcode})], views [(user, time)]"""
    extracts, views = [], []
    for piece in fed:
        if piece.name.startswith("users"):
            extracts.append((when(piece.arguments[1]), dict(rows_of(piece, ["id", "postcode"]))))
            continue
        rows = [(row[0], when(row[2])) for row in rows_of(
            piece, ["user_id", "url", "pageview_datetime"]) if readable(row)]
        if piece.arguments:
            start, end = map(when, piece.arguments[1].split(","))
            views = [one for one in views if not start <= one[1] < end]
        views += rows
    return extracts, views


def history(extracts):
    """{user: [[postcode, from, to], ...]}"""
    versions = collections.defaultdict(list)
    for at, users in extracts:
        for user, known in versions.items():
            if known[-1][2] is None and users.get(user) != known[-1][0]:
                known[-1][2] = at
        for user, postcode in users.items():
            known = versions[user]
            if not known or known[-1][2] is not None:
                known.append([postcode, at, None])
    return versions


def postcode_at(versions, user, moment):
    known = versions.get(user)
    if not known:
        return "UNKNOWN"
    before = [one for one in known if one[1] <= moment]
    return (before[-1] if before else known[0])[0]


def postcode_now(versions, user, _):
    known = versions.get(user)
    return known[-1][0] if known else "UNKNOWN"


def count(keys):
    return [(*key, str(number)) for key, number in collections.Counter(keys).items()]


def expected(fed):
    extracts, views = replay(fed)
    versions, found = history(extracts), {}
    found["users_history"] = [
        (user, postcode, str(start), str(end) if end else None)
        for user, known in versions.items() for postcode, start, end in known]
    hours = [(user, moment.replace(minute=0, second=0)) for user, moment in views]
    found["user_pageviews_by_hour"] = count((str(hour), user) for user, hour in hours)
    for mart, postcode in zip(MARTS, (postcode_now, postcode_at)):
        rows = [(hour, postcode(versions, user, hour)) for user, hour in hours]
        found[mart] = count((str(hour), place) for hour, place in rows)
        found[mart + "_and_day"] = count((str(hour.date()), place) for hour, place in rows)
        found[mart + "_and_month"] = count((str(hour.date().replace(day=1)), place)
                                           for hour, place in rows)
    return found


# --- sizes ----------------------------------------------------------------------------

def in_lines(out, rows):
    """Millions of them, so many at a time."""
    while True:
        some = list(itertools.islice(rows, 100000))
        if not some:
            return
        out.write("".join(some))


def extract_rows(users, day):
    """On day D a hundredth of all has moved, a hundredth left, a hundredth joined."""
    for number in range(users + users // 100 * day):
        part = number % 100
        if not 50 < part <= 50 + day:
            moved = 977 if 0 < part <= day else 0
            yield f"{number},{1000 + (number * 31 + moved) % 9000}\n"


def view_rows(options, chance):
    """A few users are most of it; some views are late, some there twice, some of
    nobody that an extract knows, and some cannot be read."""
    hours = range(24) if options.hour is None else [options.hour]
    midnight = START + DAY * options.day
    for hour in hours:
        seconds = [f"{midnight + HOUR * hour + datetime.timedelta(seconds=n):%Y-%m-%d %H:%M:%S}"
                   for n in range(3600)]
        for _ in range(options.views // 24):
            dirt, when_ = chance.random(), seconds[int(3600 * chance.random())]
            user = int(options.users * chance.random() ** 3)
            if dirt < 0.01:
                when_ = f"{midnight - HOUR * int(1 + 48 * chance.random()):%Y-%m-%d %H:%M:%S}"
            elif dirt < 0.011:
                user = f"guest-{user}"
            elif dirt < 0.01101:
                when_ = "3/10/25 7:30"
            line = f"{user},/page/{int(1000 * chance.random())},{when_}\n"
            yield line if dirt < 0.999 else line + line


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["users", "views"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--views", type=int, default=24000, help="a day")
    parser.add_argument("--day", type=int, default=0)
    parser.add_argument("--hour", type=int, help="of the day, else all of it")
    options = parser.parse_args()
    if options.what == "users":
        sys.stdout.write("id,postcode\n")
        in_lines(sys.stdout, extract_rows(options.users, options.day))
    else:
        sys.stdout.write("user_id,url,pageview_datetime\n")
        in_lines(sys.stdout, view_rows(options, random.Random(
            options.seed * 10000 + options.day * 24 + (options.hour or 0))))


if __name__ == "__main__":
    main()
