#!/usr/bin/env python3
"""The growth pack: its input with all its dirt, and what it must say.

    growth.py [--seed N] [--size N]        a file of events (files.py)

The oracle is plain Python, written from the rules: A(P) are the users active in
period P; new, retained, resurrected and churned follow from A and the first
period of each user.
"""
import csv
import datetime
import decimal
import hashlib
import io
import json
import random
import sys

NAME = "events"
FIRST = datetime.datetime(2023, 12, 20)
NAMES = ["event_time", "user_id", "event_type", "transaction_category", "miles_amount",
         "platform", "utm_source", "country"]
CATEGORIES = {"miles_earned": ["flight", "hotel", "dining", ""],
              "miles_redeemed": ["flight", "upgrade"],
              "reward_search": [""], "share": [""], "like": [""]}
DAYS = (0, 1, 7, 30, 60, 90)
DAY = datetime.timedelta(days=1)


def retention_columns():
    return ", ".join(f"d{n}_retained, d{n}_rate" for n in DAYS)


PIPED = True
QUERIES = {
    **{f"growth_by_{grain}": "select period, country, user_category, user_count, active_users"
                             f" from growth.growth_by_{grain}" for grain in ("day", "week", "month")},
    "user_retention": f"select cohort_date, country, cohort_size, {retention_columns()}"
                      " from growth.user_retention",
    "user_interactions": "select country, event_type, transaction_category, interactions, perc"
                         " from growth.user_interactions",
    "dim_users": "select user_id, country, first_seen_at from growth.dim_users",
    "fact_events": "select event_id, event_time, user_id, event_type, transaction_category, miles_amount"
                   " from growth.fact_events",
}


# --- input ------------------------------------------------------------------------

def users(chance, count):
    made = []
    for number in range(count):
        made.append({"user_id": f"u{number}" if number % 5 else str(number),
                     "country": chance.choice(["NL", "NL", "DE", "SG", "", "Côte d'Ivoire"]),
                     "utm_source": chance.choice(["google", "", "news, letter"]),
                     "start": chance.randrange(60), "days": chance.choice([1, 5, 40, 100])})
    return made


def event(chance, user):
    day = user["start"] + int(user["days"] * chance.random() ** 2)
    moment = FIRST + DAY * day + datetime.timedelta(seconds=chance.randrange(86400))
    if chance.random() < 0.1:                            # midnights, and several at a time
        moment = moment.replace(hour=chance.choice([0, 23]), minute=chance.choice([0, 59]),
                                second=0)
    kind = chance.choice(list(CATEGORIES))
    paid = kind.startswith("miles")
    return {"event_time": moment.strftime("%Y-%m-%d %H:%M:%S"), "user_id": user["user_id"],
            "event_type": kind, "transaction_category": chance.choice(CATEGORIES[kind]),
            "miles_amount": chance.choice(["10", "250.5", "0.25", "1000"]) if paid else "",
            "platform": chance.choice(["ios", "android", "web"]), "utm_source": user["utm_source"],
            "country": "FR" if chance.random() < 0.05 else user["country"]}


def bad(chance, row):
    column, text = chance.choice([("event_time", "12/25/2023 10:00"), ("event_time", ""),
                                  ("user_id", ""), ("miles_amount", "ten"), ("event_type", "")])
    return dict(row, **{column: text})


def written(chance, rows):
    text = io.StringIO()
    names = NAMES[:]
    if chance.random() < 0.2:
        chance.shuffle(names)
    file = csv.DictWriter(text, names, lineterminator=chance.choice(["\n", "\r\n"]),
                          quoting=csv.QUOTE_MINIMAL)
    file.writeheader()
    file.writerows(rows)
    return chance.choice([b"", b"\xef\xbb\xbf"]) + text.getvalue().encode()


def rows_of(chance, size):
    known = users(chance, max(3, size // 12))
    return [event(chance, chance.choice(known)) for _ in range(size)]


def dirty(chance, size, _):
    """Some rows are there twice, some cannot be read."""
    rows = rows_of(chance, size)
    rows += chance.choices(rows, k=size // 30)
    return rows + [bad(chance, chance.choice(rows)) for _ in range(size // 100)]


def pieces(chance, size, count):
    from history import Piece                            # pylint: disable=import-outside-toplevel

    rows = rows_of(chance, size)
    if chance.random() < 0.5:
        rows.sort(key=lambda row: row["event_time"])
    cuts = sorted(chance.sample(range(1, len(rows)), count - 1))
    made = []
    for number, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(rows)])):
        part = rows[a:b] + chance.choices(rows[:b], k=len(rows) // 30)      # repeated rows
        part += [bad(chance, chance.choice(part)) for _ in range(chance.choice([0, 0, 2]))]
        chance.shuffle(part)
        made.append(Piece(f"events-{number}.csv", written(chance, part)))
    if chance.random() < 0.5:
        chance.shuffle(made)
    return made


# --- oracle -------------------------------------------------------------------------

def records(fed):
    for piece in fed:
        yield from csv.DictReader(io.StringIO(piece.data.decode("utf-8-sig"), newline=""))


def readable(row):
    try:
        datetime.datetime.strptime(row["event_time"], "%Y-%m-%d %H:%M:%S")
        decimal.Decimal(row["miles_amount"] or "0")
    except (ValueError, decimal.InvalidOperation):
        return False
    return row["user_id"] != "" and row["event_type"] != ""


def rejects(fed):
    return sum(not readable(row) for row in records(fed))


def events(fed):
    return {tuple(row[name] for name in NAMES) for row in records(fed) if readable(row)}


def event_id(one):
    """What it says, as PostgreSQL writes a jsonb array, under md5."""
    moment = datetime.datetime.fromisoformat(one[0] + "+00:00")
    amount = one[4] and format(decimal.Decimal(one[4]).normalize(), "f")
    texts = [json.dumps(text, ensure_ascii=False) if text else "null" for text in one]
    texts[0], texts[4] = f"{int(moment.timestamp())}.000000", amount or "null"
    return hashlib.md5(f"[{', '.join(texts)}]".encode()).hexdigest()


def start_of(day, grain):
    if grain == "week":
        return day - DAY * day.weekday()
    return day.replace(day=1) if grain == "month" else day


def period_after(start, grain):
    if grain == "month":
        return (start + DAY * 31).replace(day=1)
    return start + DAY * (7 if grain == "week" else 1)


def share(part, whole):
    """In percent with one decimal, halves away from zero."""
    exact = decimal.Decimal(100 * part) / decimal.Decimal(whole)
    return str(exact.quantize(decimal.Decimal("0.1"), decimal.ROUND_HALF_UP))


def growth(days, country, grain):
    """days: {user: set of active days}"""
    active = {}
    for user, when in days.items():
        for day in when:
            active.setdefault(start_of(day, grain), set()).add(user)
    if not active:
        return []
    period, last, seen, before, rows = min(active), max(active), set(), set(), []
    while period <= last:
        now = active.get(period, set())
        parts = {"new_users": now - seen, "retained_users": now & before,
                 "resurrected_users": (now & seen) - before, "churned_users": before - now}
        for category, members in parts.items():
            for place in {country[user] for user in members}:
                rows.append((period.isoformat(), place, category,
                             str(sum(country[user] == place for user in members)),
                             str(sum(country[user] == place for user in now))))
        seen |= now
        before, period = now, period_after(period, grain)
    return rows


def retention(days, country):
    newest = max((max(when) for when in days.values()), default=None)
    cohorts, rows = {}, []
    for user, when in days.items():
        cohorts.setdefault((min(when), country[user]), []).append(user)
    for (first, place), members in cohorts.items():
        row = [first.isoformat(), place, str(len(members))]
        for number in DAYS:
            day = first + DAY * number
            count = sum(day in days[user] for user in members)
            row += [str(count), share(count, len(members))] if day <= newest else [None, None]
        rows.append(tuple(row))
    return rows


def interactions(found, country):
    counts, totals = {}, {}
    for one in found:
        place = country[one[1]]
        counts[place, one[2], one[3]] = counts.get((place, one[2], one[3]), 0) + 1
        totals[place, one[2]] = totals.get((place, one[2]), 0) + 1
    return [(place, kind, category or None, str(count), share(count, totals[place, kind]))
            for (place, kind, category), count in counts.items()]


def expected(fed):
    found = sorted(events(fed), key=lambda one: (one[0], event_id(one)))
    days, country, first = {}, {}, {}
    for one in found:                                    # the first says where a user is from
        days.setdefault(one[1], set()).add(datetime.date.fromisoformat(one[0][:10]))
        country.setdefault(one[1], one[7] or "unknown")
        first.setdefault(one[1], one[0])
    return {**{f"growth_by_{grain}": growth(days, country, grain)
               for grain in ("day", "week", "month")},
            "user_retention": retention(days, country),
            "user_interactions": interactions(found, country),
            "dim_users": [(user, country[user], first[user]) for user in days],
            "fact_events": [(event_id(one), one[0], one[1], one[2], one[3] or None, one[4] or None)
                            for one in found]}


if __name__ == "__main__":
    import files
    files.main(sys.modules[__name__])
