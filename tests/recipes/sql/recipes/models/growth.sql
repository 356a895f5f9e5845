-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [week, category]
--   rows: users
-- description: Growth accounting.
select g.week, g.category, count(*) as users
from recipes.user_growth g
where /*+ incremental(g.week) */ true
group by 1, 2
