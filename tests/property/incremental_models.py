"""The project of incremental.py: every strategy over what it may read."""

STREAMS = {
    "a": """-- stream: a
-- format: json
-- load: append
-- description: Rows with NULLs, repeats and times on the edges.
create table staging.a (
    k         text,         -- from: k
    g         int,          -- from: g
    v         int,          -- from: v
    at        timestamptz,  -- from: at as naive_utc
    note      text,         -- from: note
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
""",
    "b": """-- stream: b
-- format: json
-- load: append
-- description: A second source.
create table staging.b (
    k         text,       -- from: k
    w         int,        -- from: w
    at        timestamp,  -- from: at
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
""",
    "c": """-- stream: c
-- format: json
-- load: append
-- description: Ranges of it are replaced.
create table staging.c (
    k         text,         -- from: k
    v         int,          -- from: v
    at        timestamptz,  -- from: at as naive_utc
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
""",
}

SEEDS = {
    "words": ("note,weight:int", ["x,1", "y,2", "X,5", "z,7"]),
}


def model(header, query):
    lines = ["-- config:"] + [f"--   {line.strip()}" for line in header.strip().splitlines()]
    return "\n".join(lines) + "\n" + query.strip() + "\n"


MODELS = {
    # --- merge ---------------------------------------------------------------
    "first_of_key": model("""
        materialized: incremental
        strategy: merge
        unique_key: [k, g]
        order_by: at, v, note
        index: (k, at)
        """, """
select s.k, s.g, s.at, s.v, s.note
from staging.a s
where /*+ incremental(s.at) */ true"""),
    "last_of_key": model("""
        materialized: incremental
        strategy: merge
        unique_key: [k]
        order_by: at desc, w desc
        index: (k)
        """, """
select s.k, s.at, s.w
from staging.b s
where /*+ incremental(s.at) */ true"""),
    "merge_of_append": model("""
        materialized: incremental
        strategy: merge
        unique_key: [note]
        order_by: v, k, at
        """, """
select x.note, x.v, x.k, x.at
from p.passed_on x
where /*+ incremental(x.at) */ true"""),
    # --- append --------------------------------------------------------------
    "passed_on": model("""
        materialized: incremental
        strategy: append
        index: (k)
        """, """
select s.k, s.v, s.note, s.at
from staging.a s
where /*+ incremental(s.at) */ true
    and s.v > 0"""),
    "known_keys": model("""
        materialized: incremental
        strategy: append
        unique_key: [k]
        """, """
select s.k, length(s.k) as letters
from staging.a s
where /*+ incremental(s.at) */ true"""),
    "noted": model("""
        materialized: incremental
        strategy: append
        lookups: [p.words on_change=recompute]
        """, """
select s.k, s.v, w.weight
from staging.a s
join p.words w on w.note = s.note
where /*+ incremental(s.at) */ true"""),
    "least_noted": model("""
        materialized: incremental
        strategy: merge
        unique_key: [k]
        order_by: weight, v
        """, """
select n.k, n.weight, n.v
from p.noted n
where /*+ incremental(n.k) */ true"""),
    "both_streams": model("""
        materialized: incremental
        strategy: append
        """, """
select s.k, s.v as n, 'a' as source
from staging.a s
where /*+ incremental(s.at) */ true
union all
select t.k, t.w, 'b'
from staging.b t
where /*+ incremental(t.at) */ true"""),
    # --- delta ---------------------------------------------------------------
    "sums_of_staging": model("""
        materialized: incremental
        strategy: delta
        unique_key: [k]
        by: k
        """, """
select s.k, count(*) as n, coalesce(sum(s.v), 0) as total
from staging.a s
where /*+ incremental(s.k) */ true
group by 1"""),
    "hours_of_first": model("""
        materialized: incremental
        strategy: delta
        unique_key: [k, hour]
        by: [k, hour hour]
        rows: n
        """, """
select e.k, date_trunc('hour', e.at at time zone 'UTC') as hour,
    count(*) as n, coalesce(sum(e.v), 0) as total, coalesce(sum(e.v * 0.10), 0) as tenth
from p.first_of_key e
where /*+ incremental(e.k, e.at) */ true
    and e.v >= 0
group by 1, 2"""),
    "sums_of_delta": model("""
        materialized: incremental
        strategy: delta
        unique_key: [k]
        rows: n
        by: k
        """, """
select h.k, count(*) as n, coalesce(sum(h.total), 0) as total
from p.hours_of_first h
where /*+ incremental(h.k) */ true
group by 1"""),
    "sums_of_append": model("""
        materialized: incremental
        strategy: delta
        unique_key: [source, k]
        by: source
        """, """
select b.source, b.k, coalesce(sum(b.n), 0) as total
from p.both_streams b
where /*+ incremental(b.source) */ true
group by 1, 2"""),
    "sums_of_recompute": model("""
        materialized: incremental
        strategy: delta
        unique_key: [day]
        rows: n
        by: day day
        """, """
select r.day, count(*) as n, coalesce(sum(r.kinds), 0) as kinds
from p.kinds_of_day r
where /*+ incremental(r.day) */ true
group by 1"""),
    "weighed": model("""
        materialized: incremental
        strategy: delta
        unique_key: [k]
        rows: n
        by: k
        lookups: [p.words on_change=recompute]
        """, """
select e.k, count(*) as n, coalesce(sum(w.weight), 0) as weight
from p.first_of_key e
left join p.words w on w.note = e.note
where /*+ incremental(e.k) */ true
group by 1"""),
    "corrected": model("""
        materialized: incremental
        strategy: delta
        unique_key: [k, hour]
        by: [k, hour hour]
        rows: n
        """, """
select c.k, date_trunc('hour', c.at at time zone 'UTC') as hour,
    count(*) as n, coalesce(sum(c.v), 0) as total
from staging.c c
where /*+ incremental(c.k, c.at) */ true
group by 1, 2"""),
    "corrected_best": model("""
        materialized: incremental
        strategy: recompute
        by: k
        """, """
select c.k, max(c.total) as best
from p.corrected c
where /*+ incremental(c.k) */ true
group by 1"""),
    # --- recompute -----------------------------------------------------------
    "bursts": model("""
        materialized: incremental
        strategy: recompute
        by: [k, minute minute]
        touch: 60s before
        """, """
select q.k, date_trunc('minute', q.at at time zone 'UTC') as minute, count(*) as n
from (
    select e.k, e.at, lead(e.at, 1) over (partition by e.k order by e.at) as next_at
    from p.first_of_key e
    where /*+ incremental(e.k, e.at) */ true
) q
where q.next_at < q.at + interval '60 seconds'
group by 1, 2"""),
    "kinds_of_day": model("""
        materialized: incremental
        strategy: recompute
        by: [day day, k]
        """, """
select (e.at at time zone 'UTC')::date as day, e.k, count(distinct e.g) as kinds,
    string_agg(e.note, ',' order by e.note collate "C", e.g) as notes
from p.first_of_key e
where /*+ incremental(e.at, e.k) */ true
group by 1, 2"""),
    "sessions": model("""
        materialized: incremental
        strategy: recompute
        by: k
        """, """
select q.k, q.session, min(q.at) as began_at, count(*) as n
from (
    select e.k, e.at, count(*) filter (where e.starts) over (partition by e.k order by e.at, e.g) as session
    from (
        select f.k, f.g, f.at,
            f.at - lag(f.at) over (partition by f.k order by f.at, f.g) > interval '1 hour' as starts
        from p.first_of_key f
        where /*+ incremental(f.k) */ true
    ) e
) q
group by 1, 2"""),
    "shares": model("""
        materialized: incremental
        strategy: recompute
        by: [week week]
        """, """
select distinct date_trunc('week', e.at at time zone 'UTC') as week,
    percentile_disc(0.5) within group (order by e.v) as median
from p.first_of_key e
where /*+ incremental(e.at) */ true
group by 1"""),
    "hours_and_last": model("""
        materialized: incremental
        strategy: recompute
        by: [k, hour hour]
        """, """
select h.k, h.hour, h.total, u.w
from p.hours_of_first h
left join lateral (
    select l.w from p.last_of_key l
    where (l.k = h.k or l.k is null and h.k is null) and /*+ incremental(l.k, *) */ true
) u on true
where /*+ incremental(h.k, h.hour) */ true"""),
    "hours_and_bursts": model("""
        materialized: incremental
        strategy: recompute
        by: [k, hour hour]
        touch: 30m
        """, """
select h.k, h.hour, count(b.minute) as bursts_of_all
from p.hours_of_first h
left join (
    select c.minute from p.bursts c where /*+ incremental(*, c.minute) */ true
) b on b.minute >= h.hour - interval '30 minutes' and b.minute < h.hour + interval '1 hour'
where /*+ incremental(h.k, h.hour) */ true
group by 1, 2"""),
    "best_of_append": model("""
        materialized: incremental
        strategy: recompute
        by: k
        """, """
select x.k, max(x.v) as best, count(distinct x.note) as notes
from p.passed_on x
where /*+ incremental(x.k) */ true
group by 1"""),
    # --- full, views ---------------------------------------------------------
    "ranked": model("""
        materialized: table
        """, """
select t.k, t.total, rank() over (order by t.total desc) as place
from p.totals_view t"""),
    "totals_view": model("""
        materialized: view
        export: metrics/totals.csv order by k nulls first, total
        """, """
select coalesce(s.k, d.k) as k, s.total, d.total as of_delta
from p.sums_of_staging s
full join p.sums_of_delta d on d.k = s.k"""),
}

# Readers that may leave the project and come back.
LEAVES = ["hours_and_bursts", "sums_of_recompute", "weighed", "sessions", "hours_and_last", "merge_of_append"]

# Models that go without loads of a stream, and models that take one again.
EXCLUDERS = [("passed_on", "staging.a"), ("both_streams", "staging.b"), ("corrected", "staging.c"),
             ("noted", "staging.a"), ("known_keys", "staging.a"), ("last_of_key", "staging.b")]
REPLAYERS = [("first_of_key", "staging.a"), ("known_keys", "staging.a"), ("sums_of_staging", "staging.a"),
             ("corrected", "staging.c"), ("hours_of_first", "p.first_of_key"), ("kinds_of_day", "p.first_of_key"),
             ("sums_of_delta", "p.hours_of_first")]

# What a change of code may turn a model into: 1, 2, ... and back to MODELS.
VARIANTS = {
    "hours_of_first": {1: MODELS["hours_of_first"].replace("e.v >= 0", "e.v >= 1"),
                       2: MODELS["hours_of_first"].replace("coalesce(sum(e.v), 0)", "coalesce(sum(e.v * 1.5), 0)")},
    "kinds_of_day": {1: MODELS["kinds_of_day"].replace(
        "count(distinct e.g) as kinds", "count(distinct e.g) as kinds, min(e.v) as least")},
    "sums_of_staging": {1: MODELS["sums_of_staging"].replace(
        "count(*) as n,", "count(s.note) as notes, count(*) as n,")},
    "passed_on": {1: MODELS["passed_on"].replace("s.v > 0", "s.v > 1")},
    "both_streams": {1: MODELS["both_streams"].replace(
        "where /*+ incremental(s.at) */ true", "where /*+ incremental(s.at) */ true and s.v > 0")},
    "totals_view": {1: MODELS["totals_view"].replace("s.total,", "s.total, 1 as one,")},
}
