#!/usr/bin/env python3
"""The engagement pack: the client's file with all its dirt, and what it must say.

    engagement.py [--seed N] [--size N]        a file of engagements (files.py)

The oracle is plain Python, written from the rules: it cleans every field by its
kind, lets the fullest of several records win, and lists what it could not clean.
"""
import csv
import datetime
import decimal
import hashlib
import io
import random
import re
import sys

NAME = "engagements"
HEADER = ["Project ID", "EngagementID", "Customer ID", "Customer Name", "Engagement Date",
          "Revenue", "Revenue USD", "Service", "Sub-Service", "Engagement Type",
          "Employee Count", "Comments", "Project Ref", "Engagement Reference", "Client Revenue",
          "Service Type", "Detailed Sub-Service"]
NAMES = ["project_id", "engagement_id", "customer_id", "customer_name", "engagement_date",
         "revenue", "revenue_usd", "service", "sub_service", "engagement_type",
         "employee_count", "comments", "project_ref", "engagement_reference", "client_revenue",
         "service_type", "detailed_sub_service"]
KINDS = ["id", "id", "customer", "text", "date", "money", "money", "service", "sub_service",
         "engagement_type", "count", "text", "id", "id", "money", "service", "sub_service"]
LISTS = {"service": ["Consulting", "Design", "Development", "Support"],
         "sub_service": ["Backend", "Frontend", "UX/UI", "Customer Service", "Strategy"],
         "engagement_type": ["Recurring", "One-time", "New"]}
REASONS = {"id": "not a number", "customer": "not a customer", "date": "not a date",
           "money": "not an amount", "count": "not a count"}
WORDS = {"fifty": 50, "hundred": 100, "one hundred": 100, "twenty-five": 25, "Twelve": 12,
         "two hundred and fifty": 250, "one thousand five hundred": 1500, "a dozen": 12,
         "NINE HUNDRED NINETY-NINE": 999}
SEED = "sql/engagement/seeds/dim_project.csv"
DIM = ["id", "project_id", "status", "name", "customer_id:int", "service", "sub_service",
       "rate:numeric", "is_project_ai_enabled:boolean", "date_project_created:timestamp"]
REST = ("folder staging_version description internal_description project_service_id:int"
        " product_id:int product team team_type team_id cpm cpm_id dim_cpm_id quality:numeric"
        " discount:numeric min_estimate:numeric max_estimate:numeric sp_estimate:numeric"
        " pm_estimate:numeric ad_estimate:numeric delivery is_critical_delivery:boolean"
        " is_critical_delivery_success:boolean is_submitted_from_internal:boolean"
        " is_created_with_deliverables:boolean timezone date_project_submitted:timestamp"
        " date_project_deadline:timestamp date_project_grabbed:timestamp"
        " date_project_started:timestamp date_project_ended:timestamp"
        " date_project_updated:timestamp source_app").replace("staging_", "staffing_").split()

PIPED = True
QUERIES = {
    "fct_engagement_metrics": f"select {', '.join(NAMES)} from engagement.fct_engagement_metrics",
    "unclean": "select project_id, engagement_id, column_name, raw_value, reason"
               " from engagement.unclean",
    "project_engagement": "select project_id, engagement_id, customer_id, dim_project_id,"
                          " dim_customer_id, dim_service, name, rate, date_project_created"
                          " from engagement.project_engagement",
}


# --- input ------------------------------------------------------------------------

def typo(chance, word):
    at = chance.randrange(len(word))
    letter = chance.choice("abcxyz")
    return chance.choice([word[:at] + word[at + 1:], word[:at] + letter + word[at:],
                          word[:at] + letter + word[at + 1:]])


def spaced(chance, text):
    return chance.choice(["", "", " ", "\t"]) + text + chance.choice(["", "", "  "])


def dirty_id(chance, number):
    text = chance.choice(["", "", "0", "00"]) + str(number)
    return spaced(chance, chance.choice([text, text, text[:1] + " " + text[1:]]))


def dirty_customer(chance):
    number = chance.choice(["305", "7", "0042", "19"])
    word = chance.choice(["Customer", "customer", "CUSTOMER", typo(chance, "customer"),
                          "cusotmer", ""] * 3 + ["client"])
    return chance.choice([f"{word}_{number}", f"{word}{number}", f"{word} {number}",
                          f" {word} - {number} "] * 3 + [word, "", f"{word}_{number}x"])


def dirty_date(chance):
    day = datetime.date(2023, 1, 1) + datetime.timedelta(days=chance.randrange(900))
    form = chance.choice(["%m/%d/%Y", "%Y/%m/%d", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y",
                          "%Y.%m.%d", "%m/%d/%y"])
    text = day.strftime(form)
    return chance.choice([text] * 12 + [text.replace("0", "", 1), "", "45123", "02/30/2024",
                                        "13/45/2024", "2024-02-30", "31.04.2024", "n/a",
                                        "2024-1-5", "29-02-2024", "29-02-2023"])


def dirty_money(chance):
    number = chance.choice(["1234", "1358k", "1.5k", "1,234.50", "0", "999999.99", "12,345,678",
                            "7.25", "0.5k", "5K"])
    text = chance.choice([f"${number}", f"{number} USD", number, f"${number} usd", f" {number} "])
    return chance.choice([text] * 8 + ["", "a lot", "1,23", "$", "-5", "1.005", "1.2345k",
                                       "99999999999", "12 34 USD", "€5"])


def dirty_category(chance, kind):
    word = chance.choice(LISTS[kind])
    return chance.choice([word, word, word.lower(), word.upper(), typo(chance, word),
                          typo(chance, typo(chance, word)), spaced(chance, word), "", "Other"])


def dirty_count(chance):
    return chance.choice([str(chance.randrange(5000)), "1,200", " 50 ", "007", *WORDS, "fifty  ",
                          "many", "", "12.5", "-3", "1,20", "99999999999"])


def record(chance, engagements):
    number = chance.randrange(engagements)
    project, engagement = 1 + number % 17, 100 + number
    bad = chance.random()
    row = {"project_id": "" if bad < 0.03 else "P-x" if bad < 0.05 else dirty_id(chance, project),
           "engagement_id": "  " if 0.05 < bad < 0.07 else dirty_id(chance, engagement)}
    made = {"id": lambda: chance.choice([dirty_id(chance, project), "", "E77"]),
            "customer": lambda: dirty_customer(chance), "date": lambda: dirty_date(chance),
            "text": lambda: chance.choice(["Acme, Inc", 'the "best"', "", " x ", "two\nlines", "é"]),
            "money": lambda: dirty_money(chance), "count": lambda: dirty_count(chance)}
    for name, kind in zip(NAMES, KINDS):
        if name not in row:
            row[name] = made[kind]() if kind in made else dirty_category(chance, kind)
    return [row[name] for name in NAMES]


def written(chance, rows):
    text = io.StringIO()
    file = csv.writer(text, lineterminator=chance.choice(["\n", "\r\n"]))
    file.writerow(HEADER)
    file.writerows(rows)
    return chance.choice([b"", b"\xef\xbb\xbf"]) + text.getvalue().encode()


def seed(chance):
    text = io.StringIO()
    file = csv.writer(text, lineterminator="\n")
    file.writerow(DIM + REST)
    for number in range(1, 15):
        file.writerow([str(9000 + number), str(number), chance.choice(["open", "done"]),
                       f"Project {chance.randrange(100)}", str(300 + number), "Design", "Backend",
                       str(chance.randrange(90)), chance.choice("tf"), "2024-03-01 10:00:00",
                       *[""] * len(REST)])
    return text.getvalue().encode()


def rows_of(chance, size):
    rows = [record(chance, max(4, size // 3)) for _ in range(size)]
    return rows + chance.choices(rows, k=size // 20)     # the very same records


def dirty(chance, size, _):
    return rows_of(chance, size)


def pieces(chance, size, count):
    from history import Piece                            # pylint: disable=import-outside-toplevel

    rows = rows_of(chance, size)
    chance.shuffle(rows)
    cuts = sorted(chance.sample(range(1, len(rows)), count - 1))
    made = [Piece(f"engagements-{number}.csv", written(chance, rows[a:b]))
            for number, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(rows)]))]
    made.insert(0, Piece(SEED, seed(chance)))
    made.insert(len(made) // 2, Piece(SEED, seed(chance)))
    return made


# --- oracle -------------------------------------------------------------------------

def levenshtein(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y)))
    return row[-1]


def swapped(a, b):
    return any(a == b[:i] + b[i + 1] + b[i] + b[i + 2:] for i in range(len(b) - 1))


def number_of(text):
    text = re.sub(r"\s", "", text)
    return str(int(text)) if re.fullmatch(r"[0-9]+", text) else None


def customer_of(text):
    found = re.fullmatch(r"([a-z]*)[^a-z0-9]*([0-9]+)", re.sub(r"\s", "", text).lower())
    if not found:
        return None
    word = found[1]
    if word and levenshtein(word, "customer") > 1 and not swapped(word, "customer"):
        return None
    return f"customer_{int(found[2])}"


def date_of(text):
    text = text.strip()
    for form in (r"(?P<y>\d{4})([-/.])(?P<m>\d\d?)\2(?P<d>\d\d?)",
                 r"(?P<m>\d\d?)/(?P<d>\d\d?)/(?P<y>\d{4}|\d\d)",
                 r"(?P<d>\d\d?)([-.])(?P<m>\d\d?)\2(?P<y>\d{4})"):
        found = re.fullmatch(form, text)
        if found:
            year = int(found["y"]) + (2000 if len(found["y"]) == 2 else 0)
            try:
                return datetime.date(year, int(found["m"]), int(found["d"])).isoformat()
            except ValueError:
                return None
    return None


def money_of(text):
    text = re.sub(r"\s", "", text).lower().removesuffix("usd").removeprefix("$")
    thousand = text.endswith("k")
    text = text.removesuffix("k")
    if not re.fullmatch(r"(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", text):
        return None
    amount = decimal.Decimal(text.replace(",", "")) * (1000 if thousand else 1)
    if amount != round(amount, 2) or amount >= 10 ** 10:
        return None
    return str(amount.quantize(decimal.Decimal("0.01")))


def count_of(text):
    dense = re.sub(r"\s", "", text)
    if re.fullmatch(r"\d{1,9}|\d{1,3}(,\d{3}){1,2}", dense):
        return str(int(dense.replace(",", "")))
    words = {re.sub(r"[\s-]+|\sand\s", " ", word.lower()): value for word, value in WORDS.items()}
    words["two hundred fifty"] = 250
    text = re.sub(r"[\s-]+", " ", text.strip().lower()).replace(" and ", " ")
    return str(words[text]) if text in words else None


def category_of(kind, text):
    for name in LISTS[kind]:
        if levenshtein(text.strip().lower(), name.lower()) < 2:
            return name
    return None


def clean(kind, text):
    if not text.strip():
        return None
    if kind in LISTS:
        return category_of(kind, text)
    return {"id": number_of, "customer": customer_of, "date": date_of, "money": money_of,
            "count": count_of, "text": str.strip}[kind](text)


def winners(fed):
    """-> {ids: (raw, clean)}, records whose ids cannot be read"""
    best, lost = {}, set()
    for piece in fed:
        if piece.name == SEED:
            continue
        rows = csv.reader(io.StringIO(piece.data.decode("utf-8-sig"), newline=""))
        next(rows)
        for raw in rows:
            fields = [clean(kind, text) for kind, text in zip(KINDS, raw)]
            if fields[0] is None or fields[1] is None:
                lost.add((tuple(raw), tuple(fields)))
                continue
            rank = (-sum(field is not None for field in fields),
                    hashlib.md5("\x1f".join(raw).encode()).hexdigest())
            ids = (fields[0], fields[1])
            if ids not in best or rank < best[ids][0]:
                best[ids] = (rank, raw, fields)
    return best, lost


def unclean(best, lost):
    rows = []
    for _, raw, fields in best.values():
        for name, kind, text, field in zip(NAMES, KINDS, raw, fields):
            if field is None and text.strip():
                rows.append((fields[0], fields[1], name, text,
                             REASONS.get(kind, "not a category")))
    for raw, fields in lost:
        for name, text, field in zip(NAMES[:2], raw, fields):
            if field is None:
                blank = not text.strip()
                rows.append((fields[0], fields[1], name, None if blank else text,
                             "blank" if blank else "not a number"))
    return rows


def joined(best, fed):
    data = [piece.data for piece in fed if piece.name == SEED][-1]
    projects = {row["project_id"]: row for row in csv.DictReader(io.StringIO(data.decode()))}
    rows = []
    for _, _, fields in best.values():
        project = projects.get(fields[0])
        rows.append((fields[0], fields[1], fields[2],
                     *([project["id"], project["customer_id:int"], project["service"],
                        project["name"], project["rate:numeric"],
                        project["date_project_created:timestamp"]] if project else [None] * 6)))
    return rows


def expected(fed):
    best, lost = winners(fed)
    return {"fct_engagement_metrics": [tuple(fields) for _, _, fields in best.values()],
            "unclean": unclean(best, lost), "project_engagement": joined(best, fed)}


if __name__ == "__main__":
    import files
    files.main(sys.modules[__name__])
