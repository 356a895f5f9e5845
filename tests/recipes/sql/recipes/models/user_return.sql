-- config:
--   materialized: incremental
--   strategy: recompute
--   by: user_id
-- description: How many days after the first one a user came back.
select u.user_id, first_value(u.day) over (partition by u.user_id order by u.day) as cohort,
    u.day - first_value(u.day) over (partition by u.user_id order by u.day) as after_days
from recipes.users_of_day u
where /*+ incremental(u.user_id) */ true
