#!/usr/bin/env python3
"""The availability pack: its input with all its dirt, and what it must say.

    availability.py [--seed N] [--size N]        a file of events (files.py)

The oracle is plain Python, written from the rule: a status change counts for
the whole day on which it happens, and of several on a day the last (created_at,
then event_id) decides.
"""
import csv
import datetime
import io
import random
import sys

NAME = "events"
FIRST_DAY = datetime.date(2020, 2, 25)
LAST_DAY = datetime.date(2020, 3, 10)
STATUS = {"became_able_to_propose": 1, "became_unable_to_propose": 0,
          "became_not_able_to_propose": 0}
SERVICES = [(60, "tuinonderhoud", "maintain-garden"), (12, "dakgoot", "gutter"),
            (7, "schilderen binnen", "painting inside"), (103, "cv-ketel", "central heating"),
            (9, "", "empty-dutch-name")]
HEADS = ["professional_id_anonymized", "professional_id"]

PIPED = True
EXPORTS = ("active-professionals.csv",)
QUERIES = {
    "availability_snapshot": "select date, active_professionals from availability.availability_snapshot",
    "fct_events": "select event_id, event_type, professional_id, created_at, service_id,"
                  " lead_fee from availability.fct_events",
    "professionals": "select professional_id, account_created_at, first_event_at, last_event_at,"
                     " proposals from availability.professionals",
    "services": "select service_id, name_nl, name_en from availability.services",
    "dates": "select date, is_weekend, day_of_week, week_start, iso_week from availability.dates",
}


# --- input ------------------------------------------------------------------------

def meta_data(chance):
    number, dutch, english = chance.choice(SERVICES)
    if chance.random() < 0.1:
        english += "-new"
    fee = chance.choice(["7.63", "0", "12", "100.5", "3.10"])
    if chance.random() < 0.1:
        return chance.choice(["", f"{number}_{dutch}_{english}", f"{number}_{dutch}_{english}_",
                              "garbage", f"{number}_a_b_c_{fee}", f"x_{dutch}_{english}_{fee}",
                              f"{number}_{dutch}_{english}_{fee.replace('.', ',')}x"])
    return f"{number}_{dutch}_{english}_{fee}"


def event(chance, number, professionals):
    kind = chance.choice(["created_account", "proposed", *STATUS, *STATUS])
    moment = datetime.datetime.combine(FIRST_DAY, datetime.time()) + datetime.timedelta(
        seconds=chance.randrange(20 * 86400))
    if chance.random() < 0.3:                            # ties, whole hours, midnights
        moment = moment.replace(hour=chance.choice([0, 7, 23]), minute=0, second=0)
    return {"event_id": str(number), "event_type": kind,
            "professional_id": str(1 + chance.randrange(professionals)),
            "created_at": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "meta_data": meta_data(chance) if kind == "proposed" else ""}


def bad(chance, row):
    """A line that cannot become a row."""
    row = dict(row)
    column, text = chance.choice([("event_id", "n/a"), ("event_id", ""), ("created_at", ""),
                                  ("created_at", "03/02/2020 07:30"), ("professional_id", "?"),
                                  ("created_at", "2020-02-30 10:00:00"), ("event_type", "")])
    row[column] = text
    return row


def written(chance, rows):
    """`;` and CR LF; with or without a byte order mark, under either name."""
    names = ["event_id", "event_type", "professional_id", "created_at", "meta_data"]
    lines = [";".join(names).replace("professional_id", chance.choice(HEADS))]
    lines += [";".join(row[name] for name in names) for row in rows]
    end = chance.choice(["\r\n", "\r\n", "\n"])
    text = end.join(lines) + chance.choice([end, ""])
    return chance.choice([b"", b"", b"\xef\xbb\xbf"]) + text.encode()


def rows_of(chance, size, first=1):
    rows = [event(chance, number, max(2, size // 20)) for number in range(first, first + size)]
    chance.shuffle(rows)
    return rows


def dirty(chance, size, first):
    """Some lines are there twice, some cannot be read."""
    rows = rows_of(chance, size, first)
    rows += chance.choices(rows, k=size // 50)
    return rows + [bad(chance, chance.choice(rows)) for _ in range(size // 100)]


def pieces(chance, size, count):
    from history import Piece                            # pylint: disable=import-outside-toplevel

    rows = rows_of(chance, size)
    if chance.random() < 0.5:
        rows.sort(key=lambda row: row["created_at"])
    cuts = sorted(chance.sample(range(1, len(rows)), count - 1))
    made = []
    for number, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(rows)])):
        part = rows[a:b] + chance.choices(rows[:b], k=len(rows) // 50)      # delivered again
        part += [bad(chance, chance.choice(part)) for _ in range(chance.choice([0, 0, 2]))]
        chance.shuffle(part)
        made.append(Piece(f"events-{number}.csv", written(chance, part)))
    if chance.random() < 0.5:
        chance.shuffle(made)
    return made


# --- oracle -------------------------------------------------------------------------

def records(fed):
    for piece in fed:
        text = piece.data.decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text), delimiter=";"):
            row["professional_id"] = row.get("professional_id") or \
                row.get("professional_id_anonymized")
            yield row


def readable(row):
    try:
        datetime.datetime.strptime(row["created_at"], "%Y-%m-%d %H:%M:%S")
        int(row["event_id"]), int(row["professional_id"])
    except (TypeError, ValueError):
        return False
    return row["event_type"] != ""


def rejects(fed):
    return sum(not readable(row) for row in records(fed))


def service(text):
    parts = text.split("_")
    try:
        if len(parts) != 4 or not parts[0].isdigit() or not parts[3].replace(".", "", 1).isdigit():
            return None
        return int(parts[0]), parts[1], parts[2], parts[3]
    except ValueError:
        return None


def events(fed):
    found = {}
    for row in records(fed):
        if readable(row):
            kind = row["event_type"].replace("became_not_able", "became_unable")
            found[int(row["event_id"])] = (int(row["event_id"]), kind, int(row["professional_id"]),
                                           row["created_at"], row["meta_data"])
    return list(found.values())


def status_of_days(found):
    """{professional: {day: able}}, the last event of a day deciding"""
    days = {}
    for number, kind, who, at, _ in sorted(found, key=lambda one: (one[3], one[0])):
        if kind in STATUS:
            days.setdefault(who, {})[at[:10]] = STATUS[kind]
    return days


def snapshot(found):
    if not found:
        return []
    day = datetime.date.fromisoformat(min(one[3] for one in found)[:10])
    days, active, rows = status_of_days(found), {}, []
    while day <= LAST_DAY:
        for who, changes in days.items():
            active[who] = changes.get(day.isoformat(), active.get(who, 0))
        rows.append((day.isoformat(), str(sum(active.values()))))
        day += datetime.timedelta(days=1)
    return rows


def fact(one):
    number, kind, who, at, text = one
    found = service(text) if kind == "proposed" else None
    return (str(number), kind, str(who), at, str(found[0]) if found else None,
            found[3] if found else None)


def services(found):
    latest = {}
    for number, kind, _, at, text in sorted(found, key=lambda one: (one[3], one[0])):
        parts = service(text) if kind == "proposed" else None
        if parts:
            latest[parts[0]] = (str(parts[0]), parts[1], parts[2])
    return list(latest.values())


def professionals(found):
    rows = []
    for who in {one[2] for one in found}:
        mine = [one for one in found if one[2] == who]
        rows.append((str(who), min((one[3] for one in mine if one[1] == "created_account"),
                                   default=None),
                     min(one[3] for one in mine), max(one[3] for one in mine),
                     str(sum(one[1] == "proposed" for one in mine))))
    return rows


def calendar(days):
    rows = []
    for text, _ in days:
        day = datetime.date.fromisoformat(text)
        monday = day - datetime.timedelta(days=day.weekday())
        rows.append((text, "t" if day.weekday() >= 5 else "f", str(day.isoweekday()),
                     monday.isoformat(), str(day.isocalendar()[1])))
    return rows


def expected(fed):
    found = events(fed)
    days = snapshot(found)
    return {"availability_snapshot": days,
            "active-professionals.csv": [("date", "active_professionals"), *days],
            "fct_events": [fact(one) for one in found],
            "professionals": professionals(found), "services": services(found),
            "dates": calendar(days)}


if __name__ == "__main__":
    import files
    files.main(sys.modules[__name__])
