-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [page, day day]
-- description: Exact: the touched days of the touched pages are sorted again.
select v.page, date_trunc('day', v.at) as day,
    percentile_cont(0.5) within group (order by v.ms)  as p50,
    percentile_cont(0.95) within group (order by v.ms) as p95
from recipes.visits v
where /*+ incremental(v.page, v.at) */ true
group by 1, 2
