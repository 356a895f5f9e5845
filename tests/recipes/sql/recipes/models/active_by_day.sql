-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day]
--   rows: users
-- description: Distinct users by day.
select u.day, count(*) as users
from recipes.users_of_day u
where /*+ incremental(u.day) */ true
group by 1
