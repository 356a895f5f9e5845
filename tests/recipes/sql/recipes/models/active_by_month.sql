-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [month]
--   rows: users
-- description: Distinct users by month.
select u.month, count(*) as users
from recipes.users_of_month u
where /*+ incremental(u.month) */ true
group by 1
