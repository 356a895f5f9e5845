-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [month, user_id]
--   rows: visits
-- description: Who was there in a month, and how often.
select date_trunc('month', v.at)::date as month, v.user_id, count(*) as visits
from recipes.visits v
where /*+ incremental(v.at) */ true
group by 1, 2
