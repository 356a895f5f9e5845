-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [week]
--   rows: users
-- description: Distinct users by week.
select u.week, count(*) as users
from recipes.users_of_week u
where /*+ incremental(u.week) */ true
group by 1
