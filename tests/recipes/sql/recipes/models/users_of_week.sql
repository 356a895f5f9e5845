-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [week, user_id]
--   rows: visits
-- description: Who was there in a week, and how often.
select date_trunc('week', v.at)::date as week, v.user_id, count(*) as visits
from recipes.visits v
where /*+ incremental(v.at) */ true
group by 1, 2
