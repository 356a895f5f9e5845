-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day]
--   rows: home
-- description: A funnel by the day of its first step.
select f.day, count(*) as home, count(*) filter (where f.steps >= 2) as cart,
    count(*) filter (where f.steps >= 3) as paid
from recipes.user_funnel f
where /*+ incremental(f.day) */ true
group by 1
