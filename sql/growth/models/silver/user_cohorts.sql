-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [user_id]
--   unique_key: [user_id]
--   tags: [daily]
-- description: A user's first active day, and on which of the days that retention
--   asks for they were active (1 or 0).
-- tests:
--   - unique: [user_id]
with

days as (

    select
        p.user_id,
        d.country,
        p.period - min(p.period) over (partition by p.user_id) as day,
        min(p.period) over (partition by p.user_id) as cohort_date
    from growth.user_periods p
    join growth.dim_users d on d.user_id = p.user_id
    where /*+ incremental(p.user_id) */ true
        and /*+ incremental(d.user_id) */ true
        and p.grain = 'day'

)

select
    d.user_id,
    d.country,
    d.cohort_date,
    max((d.day = 1)::int) as d1,
    max((d.day = 7)::int) as d7,
    max((d.day = 30)::int) as d30,
    max((d.day = 60)::int) as d60,
    max((d.day = 90)::int) as d90
from days d
group by 1, 2, 3
