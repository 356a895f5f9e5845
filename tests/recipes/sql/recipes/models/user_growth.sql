-- config:
--   materialized: incremental
--   strategy: recompute
--   by: user_id
-- description: What each user was in each week: new, retained, resurrected, or churned the week after.
with weeks as (
    select u.user_id, u.week,
        lag(u.week) over (partition by u.user_id order by u.week)  as before,
        lead(u.week) over (partition by u.user_id order by u.week) as after
    from recipes.users_of_week u
    where /*+ incremental(u.user_id) */ true
)
select w.user_id, w.week, case when w.before is null then 'new'
                               when w.before = w.week - 7 then 'retained'
                               else 'resurrected' end as category
from weeks w
union all
select w.user_id, w.week + 7, 'churned'
from weeks w
where w.after is distinct from w.week + 7
