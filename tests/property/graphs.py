#!/usr/bin/env python3
"""Incremental equals full: random projects over random histories.

    graphs.py [--histories N] [--seconds S] [--seed N] [--steps N] [--models N]
              [--mutant NAME] [--keep] [--verbose]

As incremental.py, but the project is invented too (incremental_graphs.py): any
strategy over any upstream, snapshots over complete extracts, over rows with
their own times and over models, long chains, markers of several relations,
replaced ranges, seeds, code that changes, models that leave and come back; and
models that are there twice, with tests that compare the two.
At random points and at the end every mart is compared with its file's query
over what it reads, snapshots with a replay of their extracts in Python or with
plain SQL; and in the end a full refresh must change nothing.
"""
import collections
import datetime
import os
import random
import re
import sys

import incremental
from incremental import Mismatch, literal
from incremental_graphs import Graph, STREAM

BEGIN = 1741910000
OPEN = 10 ** 18


def stamp(us):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)).isoformat()


class GraphHistory(incremental.History):
    def __init__(self, options, seed, figures):
        super().__init__(options, seed, figures)
        self.graph = Graph(random.Random(seed), options.models)
        self.models = {model.base: model for model in self.graph.models}
        read = {name for model in self.graph.models for name in model.reads}
        self.leaves = [model.base for model in self.graph.models if model.name not in read and not model.twin]
        self.least = collections.defaultdict(lambda: -3)
        self.remembered = set()      # snapshots keep what they have seen of it, whatever becomes of it
        for model in reversed(self.graph.models):
            if model.name in self.remembered or (model.kind == "snapshot" and "timestamp" in model.text):
                self.remembered.update(model.reads)
        self.effective = BEGIN + 86400

    # --- the project ---------------------------------------------------------

    def write_project(self):
        for stream in self.graph.streams:
            with open(self.path("streams", stream.base + ".sql"), "w", encoding="utf-8") as out:
                out.write(STREAM.format(name=stream.base, load="full" if stream.base == "u" else "append"))
        for name in self.models:
            self.write_model(name)
            if self.models[name].twin:
                self.write_test(name, self.models[name].twin)
        self.write_seed("words")

    def write_test(self, name, twin):
        with open(self.path("tests", name + "_agrees.sql"), "w", encoding="utf-8") as out:
            out.write(f"select m.k, m.g, m.v, m.at from p.{name} m"
                      f"\nexcept all select t.k, t.g, t.v, t.at from p.{twin} t\n")

    def model_text(self, name):
        return self.models[name].text.replace("{least}", str(self.least[name]))

    def write_seed(self, name):
        rows = [self.row("seed") for _ in range(self.random.randint(0, 5))]
        with open(self.path("seeds", name + ".csv"), "w", encoding="utf-8") as out:
            out.write("k,g:int,v:bigint,at:timestamp\n")
            for row in rows:
                out.write(",".join("" if cell is None else str(cell).removesuffix("+00") for cell in row) + "\n")

    # --- rows ----------------------------------------------------------------

    def row(self, stream):
        chance = self.random
        if self.recent and chance.random() < 0.3:
            return chance.choice(self.recent)[1]
        second = chance.choice([0, 1, 59, 60, 61, 3599, 3600, 86399, 86400, chance.randint(0, 260000)])
        at = stamp((BEGIN + second) * 1000000 + chance.choice([0, 0, 500000, 1, 999999])) + "+00"
        row = (chance.choice(["a", "b", "c", "é", None]), chance.choice([0, 1, 2, None]),
               chance.choice([None, *range(-2, 5)]), None if chance.random() < 0.05 else at)
        self.recent = (self.recent + [(stream, row)])[-40:]
        return row

    def insert(self, stream, rows):
        return (f"insert into staging.{stream} (k, g, v, at) values "
                + ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows) if rows else "select")

    def load(self, session, stream, rows, begun=False):
        session.run(("" if begun else "begin;\n")
                    + "insert into millrace.load (relation, loaded_at, row_count)"
                    f" values ('staging.{stream}', now(), {len(rows)});\n" + self.insert(stream, rows))
        self.figures["loads"] += 1
        self.figures["rows"] += len(rows)

    def step_load(self):
        stream = self.random.choice("aabbc")
        session = self.writers.pop()
        self.load(session, stream, [self.row(stream) for _ in range(self.random.choice([0, 1, 1, 2, 3, 8, 30]))])
        if self.random.random() < 0.4 and self.writers:
            self.open.append(session)
            return
        session.run("commit")
        self.writers.append(session)

    def extract(self, effective):
        keys = self.random.sample(["a", "b", "c", "é", None, "d"], self.random.randint(0, 6))
        rows = [(key, *self.row("u")[1:]) for key in keys]
        rows = [(k, g, v, at or stamp(BEGIN * 1000000) + "+00") for k, g, v, at in rows]
        if rows and self.random.random() < 0.2:
            rows.append(rows[0])
        self.writers[-1].run(
            "begin;\ninsert into millrace.load (relation, loaded_at, op, row_count, origin) values"
            f" ('staging.u', now(), 't', {len(rows)},"
            f" '{{\"effective\": \"{stamp(effective * 1000000)}Z\"}}');\n" + self.insert("u", rows) + ";\ncommit")
        self.figures["loads"] += 1
        self.figures["extracts"] += 1

    def step_extract(self):
        """Complete, of a time not before the last one's; or two the wrong way round."""
        if not self.writers:
            return
        if self.random.random() < 0.8:
            self.effective += self.random.choice([1, 3600, 86400])
        if self.random.random() < 0.3:
            self.effective += 60
            self.extract(self.effective)
            self.extract(self.effective - 30)
        else:
            self.extract(self.effective)

    def step_replace(self):
        if not self.writers or self.replacing in self.open:
            return
        session = self.writers.pop()
        since, until = sorted(BEGIN + self.random.randint(-5, 270000) for _ in range(2))
        rows = [self.row("c") for _ in range(self.random.choice([0, 1, 3, 8]))]
        session.run("begin isolation level repeatable read;\n"
                    "insert into millrace.load (relation, loaded_at, op, row_count, parts) values"
                    f" ('staging.c', now(), 'd', {len(rows)}, '[\"{since}\", \"{until}\"]');\n"
                    f"select millrace.replace_range('c', 'at', to_timestamp({since}), to_timestamp({until}));\n"
                    + self.insert("c", rows))
        self.figures["loads"] += 1
        self.figures["replaced"] += 1
        if self.random.random() < 0.3 and self.writers:
            self.open.append(session)
            self.replacing = session
            return
        session.run("commit")
        self.writers.append(session)

    # --- runs ----------------------------------------------------------------

    def start(self, *arguments, **environment):
        if self.random.random() < 0.3:
            arguments = (*arguments, "--threads", "2")
        if self.random.random() < 0.2:
            arguments = (*arguments, "--max-loads", str(self.random.randint(1, 3)))
        return super().start(*arguments, **environment)

    def ended(self, process, may_die=False, may_differ=False):
        """Of two programs at once, each may find that the other has taken less."""
        try:
            return super().ended(process, may_die)
        except Mismatch as error:
            if not may_differ or "exit status 3" not in str(error) or "_agrees.sql" not in str(error):
                raise
            self.figures["differed"] += 1
            return str(error)

    def behind(self, name):
        """The model and all that it is made from."""
        found = {name}
        for model in reversed(self.graph.models):
            if model.base in found:
                found.update(relation.split(".")[1] for relation in model.reads)
        return found

    def step_some(self):
        """One model, or with all that it is made from; and who is compared with those."""
        name = self.random.choice([n for n in self.models if n not in self.away])
        plus = self.random.choice(["", "+"])
        chosen = self.behind(name) if plus else {name}
        twins = sorted(f" p.{model.twin}" for model in self.graph.models if model.twin and model.base in chosen)
        self.ended(self.start("-s", f"{plus}p.{name}" + "".join(twins)))

    def step_two(self):
        first, second = self.start(), self.start()
        self.ended(first, may_differ=True)
        self.ended(second, may_differ=True)

    def step_meanwhile(self):
        """Loads are committed while a run is under way that has nothing to build."""
        self.ended(self.start())
        if not self.writers:
            return
        self.load(self.writers[-1], "a", [self.row("a")])
        self.writers[-1].run("commit")
        running = self.start()
        for _ in range(60):
            stream = self.random.choice("aabbc")
            if running.poll() is None:
                self.load(self.writers[-1], stream, [self.row(stream)])
                self.writers[-1].run("commit")
                self.figures["meanwhile"] += 1
        self.ended(running)

    def step_backlog(self):
        """Loads pile up before some models, which take them in small steps."""
        for _ in range(self.random.randint(1, 4)):
            if self.writers:
                self.load(self.writers[-1], "a", [self.row("a") for _ in range(4)])
                self.writers[-1].run("commit")
            self.step_some()
        self.ended(self.start("--max-loads", "1"))

    def step_code(self):
        name = self.random.choice(list(self.models))
        if name in self.away:
            return
        least = self.random.choice([-3, 0, 1])
        pair = [base for base in (name, self.models[name].twin) if base]
        if not self.remembered.intersection(self.models[base].name for base in pair):
            for base in pair:
                self.least[base] = least
                self.write_model(base)

    def step_leave(self):
        name = self.random.choice(self.leaves)
        if name in self.away:
            self.away.remove(name)
            self.write_model(name)
        else:
            self.away.add(name)
            os.unlink(self.path("models", name + ".sql"))

    # --- comparing -----------------------------------------------------------

    def compare_all(self, least):
        for name, model in self.models.items():
            if name in self.away:
                continue
            if model.kind != "snapshot":
                self.compare(name)
            elif model.reads == ["staging.u"]:
                self.compare_extracts(name, model)
            elif "timestamp" in model.text:
                self.compare_events(name, model)
            else:
                self.compare_kept(name, model)
        self.figures["checks"] += least

    def differ(self, name, mart, truth):
        difference = self.psql.run(
            f"with mart as ({mart}),\ntruth as ({truth}\n)\n"
            "(select 'mart', m::text from (table mart except all table truth) m limit 4) union all\n"
            "(select 'truth', t::text from (table truth except all table mart) t limit 4)")
        self.figures["comparisons"] += 1
        if difference:
            raise Mismatch(f"p.{name}: " + "; ".join(difference))

    def key_of(self, model):
        return re.search(r"unique_key: \[?([^\]\n]*)", model.text).group(1)

    def compare_events(self, name, model):
        """Each row stands from its own time to the next one's of its key."""
        query = "\n".join(line for line in self.model_text(name).splitlines() if not line.startswith("--"))
        key = self.key_of(model)
        self.differ(name, f"select k, g, v, at, dbt_valid_from, dbt_valid_to from p.{name}",
                    f"select k, g, v, at, at, lead(at) over (partition by {key} order by at) from ("
                    f"select distinct on ({key}, at) * from ({query}) q"
                    f" order by {key}, at, row(k, g, v, at)::text collate \"C\") d")

    def compare_kept(self, name, model):
        """Open versions are the model; those of a key follow one another."""
        self.psql.run("begin isolation level repeatable read")
        self.differ(name, f"select k, g, v, at from p.{name} where dbt_valid_to is null",
                    f"select k, g, v, at from {model.reads[0]}")
        wrong = self.psql.run(
            f"select * from (select *, lead(dbt_valid_from) over (partition by {self.key_of(model)}"
            f" order by dbt_valid_from) as next from p.{name}) v"
            " where dbt_valid_to <= dbt_valid_from or next < coalesce(dbt_valid_to, 'infinity')")
        self.psql.run("commit")
        if wrong:
            raise Mismatch(f"p.{name}: versions overlap: {wrong}")

    def extracts(self):
        rows = collections.defaultdict(list)
        for line in self.psql.run("select loaded_at, coalesce(k, '~'), coalesce(g::text, '~'), coalesce(v::text, '~'),"
                                  " (extract(epoch from at) * 1000000)::bigint from staging.u"):
            loaded_at, *row = line.split("|")
            rows[loaded_at].append((row[0], row[1], row[2], int(row[3])))
        for line in self.psql.run(
                "select loaded_at, (extract(epoch from (origin->>'effective')::timestamptz) * 1000000)::bigint"
                " from millrace.load where relation = 'staging.u' order by 2, load_id"):
            loaded_at, effective = line.split("|")
            yield int(effective), {row[0]: row for row in rows[loaded_at]}

    def replay(self, model):
        """Versions as lists [row, updated, since, until], by key."""
        timed, keeps = "timestamp" in model.text, "ignore" in model.text
        checked = [i for i, column in ((1, "g"), (2, "v"), (3, "at"))
                   if "check_cols: all" in model.text or re.search(rf"check_cols: \[.*\b{column}\b", model.text)]
        versions = collections.defaultdict(list)
        for effective, rows in self.extracts():
            for key in set(versions) | set(rows):
                past, row = versions[key], rows.get(key)
                last = past[-1] if past and past[-1][3] == OPEN else None
                if row is None:
                    if last and not keeps:
                        self.end(past, effective if effective >= last[2] else last[2] + 1)
                    continue
                if last and (row[3] <= last[1] if timed else all(row[i] == last[0][i] for i in checked)):
                    continue
                since = row[3] if timed else effective
                if last and since < last[2]:
                    since = effective if effective >= last[2] else last[2] + 1
                if not last and any(since < version[3] for version in past):
                    since = effective
                if last:
                    self.end(past, since)
                past.append([row, row[3] if timed else since, since, OPEN])
        return versions

    @staticmethod
    def end(past, when):
        if past[-1][2] < when:
            past[-1][3] = when
        else:
            past.pop()

    def compare_extracts(self, name, model):
        wanted = sorted(f"{'|'.join(map(str, row))}|{updated}|{since}|{'' if until == OPEN else until}"
                        for past in self.replay(model).values() for row, updated, since, until in past)
        us = "(extract(epoch from {}) * 1000000)::bigint"
        found = sorted(self.psql.run(
            "select coalesce(k, '~'), coalesce(g::text, '~'), coalesce(v::text, '~'), "
            + ", ".join(us.format(c) for c in ("at", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"))
            + f" from p.{name}"))
        self.figures["comparisons"] += 1
        if wanted != found:
            raise Mismatch(f"p.{name}: Python says {sorted(set(wanted) - set(found))},"
                           f" the mart {sorted(set(found) - set(wanted))}")

    def check(self):
        for _ in range(2):
            self.ended(self.start())
        if "nothing new" not in self.ended(self.start()):
            raise Mismatch("a third run still finds something to do")
        self.compare_all(1)

    def finish(self):
        """What a full refresh makes is what is there."""
        said = self.ended(super().start("--full-refresh"))
        changed = [line for line in said.splitlines() if "rebuild" in line and "+0 -0 rows" not in line]
        if changed:
            raise Mismatch("a full refresh changes something: " + "; ".join(changed))
        self.compare_all(0)

    def steps(self):
        return {self.step_load: 30, self.step_end: 12, self.step_extract: 12, self.step_replace: 5,
                self.step_run: 12, self.step_some: 8, self.step_two: 4, self.step_meanwhile: 4,
                self.step_fault: 8, self.step_kill: 4, self.step_backlog: 5, self.step_seed: 3, self.step_code: 3,
                self.step_leave: 3, self.step_refresh: 1, self.check: 2}

    def step_seed(self):
        self.write_seed("words")


if __name__ == "__main__":
    options = incremental.parse()
    found = incremental.run(options, GraphHistory)
    print(" ".join(f"{name}={found[name]}" for name in
                   ("histories", "loads", "extracts", "replaced", "rows", "runs", "kills", "checks",
                    "comparisons", "mismatches")))
    sys.exit(1 if found["mismatches"] else 0)
