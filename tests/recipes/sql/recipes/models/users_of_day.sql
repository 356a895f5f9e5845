-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day, user_id]
--   rows: visits
-- description: Who was there in a day, and how often.
select date_trunc('day', v.at)::date as day, v.user_id, count(*) as visits
from recipes.visits v
where /*+ incremental(v.at) */ true
group by 1, 2
