"""Random projects: every strategy over whatever it may read.

Every relation has the columns k text, g int, v bigint, at timestamp (of streams
timestamptz), so that any may stand upstream of any; NULLs are in all of them.
"""
import dataclasses

STREAM = """-- stream: {name}
-- format: json
-- load: {load}
-- description: Rows.
create table staging.{name} (
    k         text,         -- from: k
    g         int,          -- from: g
    v         bigint,       -- from: v
    at        timestamptz,  -- from: at as naive_utc
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
"""


@dataclasses.dataclass
class Relation:
    name: str                      # staging.a, p.m3
    kind: str                      # stream, seed, view, or a strategy
    text: str = ""                 # with a {least}: what a change of code moves
    reads: list = dataclasses.field(default_factory=list)
    key: list = None               # columns that name a row
    only_grows: bool = False
    twin: str = None               # the base of another that must hold the same rows

    @property
    def at(self):
        return "(e.at at time zone 'UTC')" if self.kind == "stream" else "e.at"

    @property
    def base(self):
        return self.name.split(".")[1]


def header(**config):
    lines = ["-- config:"] + [f"--   {key}: {value}" for key, value in config.items() if value]
    return "\n".join(lines) + "\n"


def listed(names):
    return "[" + ", ".join(names) + "]"


class Graph:
    """streams, seeds and models of one project."""

    def __init__(self, chance, size):
        self.random = chance
        self.streams = [
            Relation("staging.a", "stream", only_grows=True),
            Relation("staging.b", "stream", only_grows=True),
            Relation("staging.c", "stream"),            # ranges of it are replaced
            Relation("staging.u", "stream", key=["k"]),  # complete extracts
        ]
        self.seeds = [Relation("p.words", "seed")]
        self.models = []
        makers = [self.append] * 3 + [self.merge] * 4 + [self.delta] * 6 + [self.recompute] * 7 + \
            [self.table] * 2 + [self.view] * 2 + [self.snapshot] * 4
        for stream in self.streams:      # each is there from the start
            self.view_of(stream)
        # something of each kind to begin with, so that the rest can stand on it
        for maker in [self.merge, self.append, self.snapshot, self.delta]:
            maker()
        while len(self.models) < size:
            chance.choice(makers)()
        self.add_twins()

    def relations(self):
        return self.streams + self.seeds + self.models

    def add(self, kind, text, reads, **more):
        name = f"p.m{len(self.models) + 1}_{kind}"
        self.models.append(Relation(name, kind, text, [r.name for r in reads], **more))

    def add_twins(self):
        """Some of the models twice, for tests that compare the two."""
        views = {r.name for r in self.models if r.kind == "view"}
        fitting = [m for m in self.models if m.kind not in ("view", "snapshot") and not views.intersection(m.reads)]
        streams = [m for m in fitting if any(name.startswith("staging.") for name in m.reads)]
        for model in self.random.sample(streams, min(2, len(streams))) + [self.random.choice(fitting)]:
            if not model.twin:
                model.twin = model.base + "_twin"
                self.models.append(dataclasses.replace(model, name=f"p.{model.twin}", twin=model.base))

    def pick(self, *tests):
        """A relation that passes them all; models before streams; None: there is none."""
        fitting = [r for r in self.relations() if all(test(r) for test in tests)]
        newest = fitting[-6:]
        return self.random.choice(self.random.choice([fitting, newest])) if fitting else None

    def stored(self, *tests):
        return self.pick(lambda r: r.kind not in ("stream", "view"), *tests)

    # --- strategies ----------------------------------------------------------

    def branch(self, up, marker="e.k"):
        return (f"select e.k, e.g, e.v, {up.at} as at\nfrom {up.name} e\n"
                f"where /*+ incremental({marker}) */ true and coalesce(e.v, 0) > {{least}}")

    def passing(self):
        """A query over one or two relations that only grow."""
        first, second = (self.pick(lambda r: r.only_grows) for _ in range(2))
        if first is second or self.random.random() < 0.6:
            return self.branch(first), [first]
        return self.branch(first) + "\nunion all\n" + self.branch(second), [first, second]

    def append(self):
        query, reads = self.passing()
        key = self.random.choice([None, ["k", "g", "v", "at"]])
        self.add("append", header(materialized="incremental", strategy="append",
                                  unique_key=key and listed(key)) + query + "\n",
                 reads, key=key, only_grows=True)

    def merge(self):
        query, reads = self.passing()
        key = self.random.choice([["k"], ["g"], ["k", "g"]])
        order = self.random.sample(["v", "v desc", "at", "at desc", "g"], 2)
        rest = [c for c in ("k", "g", "v", "at") if c not in key and c not in "".join(order)]
        self.add("merge", header(materialized="incremental", strategy="merge",
                                 unique_key=listed(key), order_by=", ".join(order + rest))
                 + query + "\n", reads, key=key)

    def delta(self):
        up = self.pick(lambda r: r.kind != "view")
        grain = self.random.choice(["minute", "hour", "day", "week"])
        group = self.random.choice(["e.g", "e.g % 2"])
        weighs = self.random.random() < 0.25 and up.kind != "seed"
        opened = up.kind == "snapshot" and self.random.random() < 0.5
        query = (f"select e.k, {group} as g, date_trunc('{grain}', {up.at}) as at,\n"
                 "    count(*) as n, coalesce(sum("
                 + ("e.v * coalesce(w.v, 1)" if weighs else "e.v") + "), 0)::bigint as v\n"
                 f"from {up.name} e\n" + ("left join p.words w on w.g = e.g\n" if weighs else "")
                 + "where /*+ incremental(e.k) */ true and coalesce(e.v, 0) > {least}\n"
                 + ("    and e.dbt_valid_to is null\n" if opened else "") + "group by 1, 2, 3\n")
        self.add("delta", header(
            materialized="incremental", strategy="delta", unique_key="[k, g, at]",
            rows="n" if not up.only_grows or self.random.random() < 0.5 else None,
            by=self.random.choice([None, "k", f"[k, at {grain}]"]),
            lookups=weighs and "[p.words on_change=recompute]") + query,
            [up] + (self.seeds if weighs else []), key=["k", "g", "at"])

    def recompute(self):
        up = self.stored()
        maker = self.random.choice([self.by_key, self.by_day_of_key, self.by_time, self.with_touch,
                                    self.joined, self.as_of])
        by, touch, query, reads, key = maker(up)
        self.add("recompute", header(materialized="incremental", strategy="recompute", by=by,
                                     touch=touch) + query + "\n", reads, key=key)

    def by_key(self, up):
        return "k", None, (
            "select e.k, max(e.g) as g, count(distinct e.v) as v, min(e.at) as at\n"
            f"from {up.name} e\nwhere /*+ incremental(e.k) */ true and coalesce(e.v, 0) > {{least}}\n"
            "group by e.k"), [up], ["k"]

    def by_day_of_key(self, up):
        return "[k, at day]", None, (
            "select e.k, max(e.g) as g, sum(distinct e.v)::bigint as v, date_trunc('day', e.at) as at\n"
            f"from {up.name} e\nwhere /*+ incremental(e.k, e.at) */ true and coalesce(e.v, 0) > {{least}}\n"
            "group by 1, 4"), [up], ["k", "at"]

    def by_time(self, up):
        grain = self.random.choice(["hour", "day", "month"])
        return f"at {grain}", None, (
            "select max(e.k) as k, min(e.g) as g, percentile_disc(0.5) within group (order by e.v) as v,\n"
            f"    date_trunc('{grain}', e.at) as at\n"
            f"from {up.name} e\nwhere /*+ incremental(e.at) */ true and coalesce(e.v, 0) > {{least}}\n"
            "group by 4"), [up], ["at"]

    def with_touch(self, up):
        return "[k, at minute]", self.random.choice(["60s", "60s before"]), (
            "select q.k, min(q.g) as g, count(*) as v, date_trunc('minute', q.at) as at\n"
            "from (\n    select e.k, e.g, e.at,\n"
            "        lead(e.at, 1) over (partition by e.k order by e.at, e.g, e.v) as next_at\n"
            f"    from {up.name} e\n"
            "    where /*+ incremental(e.k, e.at) */ true and coalesce(e.v, 0) > {least}\n) q\n"
            "where q.next_at < q.at + interval '60 seconds'\ngroup by 1, 4"), [up], ["k", "at"]

    def joined(self, up):
        other = self.stored()
        return "k", None, (
            "select e.k, max(f.g) as g, count(f.v) as v, max(e.at) as at\n"
            f"from {up.name} e\nleft join {other.name} f on (f.k = e.k or f.k is null and e.k is null)\n"
            "    and /*+ incremental(f.k) */ true\n"
            "where /*+ incremental(e.k) */ true and coalesce(e.v, 0) > {least}\n"
            "group by e.k"), [up, other], ["k"]

    def as_of(self, up):
        other = self.stored()
        return "[k, at hour]", None, (
            "select e.k, max(e.g) as g, sum(u.v)::bigint as v, date_trunc('hour', e.at) as at\n"
            f"from {up.name} e\nleft join lateral (\n    select x.v from {other.name} x\n"
            "    where (x.k = e.k or x.k is null and e.k is null) and /*+ incremental(x.k, *) */ true\n"
            "    order by x.at <= e.at desc nulls last, x.at desc nulls last, x.v, x.g limit 1\n) u on true\n"
            "where /*+ incremental(e.k, e.at) */ true and coalesce(e.v, 0) > {least}\n"
            "group by 1, 4"), [up, other], ["k", "at"]

    def table(self):
        up = self.pick(lambda r: True)
        self.add("table", header(materialized="table") + (
            f"select e.k, e.g, count(*) over (partition by e.k) + e.v as v, {up.at} as at\n"
            f"from {up.name} e\nwhere coalesce(e.v, 0) > {{least}}\n"), [up])

    def view(self):
        self.view_of(self.pick(lambda r: r.kind != "stream"))

    def view_of(self, up):
        self.add("view", header(materialized="view")
                 + f"select e.k, e.g, e.v, {up.at} as at\nfrom {up.name} e\nwhere coalesce(e.v, 0) > {{least}}\n",
                 [up])

    # --- snapshots: their texts are told apart by `oracle` ----------------------

    def snapshot(self):
        kept = self.stored(lambda r: r.key and r.kind not in ("append", "snapshot"))
        maker = self.random.choice([self.of_extracts, self.of_extracts, self.of_events]
                                   + [lambda: self.of_model(kept)] * bool(kept) * 2)
        maker()

    def of_extracts(self):
        up = self.streams[3]
        timed = self.random.random() < 0.4
        self.add("snapshot", header(
            materialized="snapshot", strategy="timestamp" if timed else "check", unique_key="k",
            updated_at=timed and "at", check_cols=not timed and self.random.choice(["all", "[v]", "[g, at]"]),
            hard_deletes=self.random.choice([None, "ignore"]) if not timed else None)
            + f"select e.k, e.g, e.v, {up.at} as at\nfrom {up.name} e\n"
              "where /*+ incremental(e.k) */ true\n", [up])

    def of_events(self):
        up = self.pick(lambda r: r.only_grows)
        key = self.random.choice([["k"], ["k", "g"]])
        self.add("snapshot", header(materialized="snapshot", strategy="timestamp",
                                    unique_key=listed(key), updated_at="at")
                 + f"select e.k, e.g, e.v, {up.at} as at\nfrom {up.name} e\n"
                   "where /*+ incremental(e.k) */ true and e.at is not null\n", [up])

    def of_model(self, up):
        self.add("snapshot", header(materialized="snapshot", strategy="check",
                                    unique_key=listed(up.key), check_cols="all")
                 + f"select e.k, e.g, e.v, e.at\nfrom {up.name} e\n"
                   "where /*+ incremental(e.k) */ true\n", [up])
