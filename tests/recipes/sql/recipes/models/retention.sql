-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [cohort, after_days]
--   rows: users
-- description: Of those who first came on a day, how many came again so many days later.
select r.cohort, r.after_days, count(*) as users
from recipes.user_return r
where /*+ incremental(r.cohort) */ true
group by 1, 2
