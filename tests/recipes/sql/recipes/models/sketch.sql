-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [page, day, bucket]
--   rows: n
-- description: DDSketch: counts in buckets that each grow by 2 %; deletions subtract.
select v.page, date_trunc('day', v.at)::date as day,
    ceil(ln(greatest(v.ms, 0.001)) / ln(1.02))::int as bucket, count(*) as n
from recipes.visits v
where /*+ incremental(v.page) */ true
group by 1, 2, 3
