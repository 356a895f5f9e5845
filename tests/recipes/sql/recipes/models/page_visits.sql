-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day, page]
--   rows: visits
-- description: Additive: counts, sums; an average is the one divided by the other.
select date_trunc('day', v.at)::date as day, v.page, count(*) as visits, coalesce(sum(v.ms), 0) as ms
from recipes.visits v
where /*+ incremental(v.at) */ true
group by 1, 2
