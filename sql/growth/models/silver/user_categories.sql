-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [user_id]
--   unique_key: [user_id, grain, period]
--   tags: [daily]
-- description: What a user was in a period: new, retained from the one before, or
--   resurrected; and churned in the one after, unless active in it.
-- tests:
--   - unique: [user_id, grain, period]
with

active as (

    select
        p.user_id,
        d.country,
        p.grain,
        p.period,
        lag(p.period) over in_order as previous,
        lead(p.period) over in_order as next,
        (p.period + ('1 ' || p.grain)::interval)::date as period_after,
        (p.period - ('1 ' || p.grain)::interval)::date as period_before
    from growth.user_periods p
    join growth.dim_users d on d.user_id = p.user_id
    where /*+ incremental(p.user_id) */ true
        and /*+ incremental(d.user_id) */ true
    window in_order as (partition by p.user_id, p.grain order by p.period)

)

select
    a.user_id,
    a.country,
    a.grain,
    a.period,
    case
        when a.previous is null then 'new_users'
        when a.previous = a.period_before then 'retained_users'
        else 'resurrected_users'
    end as user_category
from active a

union all

select
    a.user_id,
    a.country,
    a.grain,
    a.period_after,
    'churned_users'
from active a
where a.next is distinct from a.period_after
