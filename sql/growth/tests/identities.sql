-- description: Who was active in a period is retained or has churned in the next,
--   and who is active in a period is new, retained or resurrected.
with

growth as (

    select 'day' as grain, d.*
    from growth.growth_by_day d

    union all

    select 'week' as grain, w.*
    from growth.growth_by_week w

    union all

    select 'month' as grain, m.*
    from growth.growth_by_month m

),

periods as (

    select
        g.grain,
        g.country,
        g.period,
        (g.period + ('1 ' || g.grain)::interval)::date as next_period,
        max(g.active_users) as active,
        coalesce(sum(g.user_count) filter (where g.user_category in ('new_users', 'retained_users', 'resurrected_users')), 0) as accounted,
        coalesce(sum(g.user_count) filter (where g.user_category in ('retained_users', 'churned_users')), 0) as from_before
    from growth g
    group by 1, 2, 3

),

newest as (

    select
        p.grain,
        max(p.period) as period
    from periods p
    group by 1

)

select
    p.grain,
    p.period,
    p.country,
    p.active,
    p.accounted,
    n.from_before as from_before_in_next
from periods p
join newest l on l.grain = p.grain
left join periods n on n.grain = p.grain and n.country = p.country and n.period = p.next_period
where p.active <> p.accounted
    or (coalesce(n.from_before, 0) <> p.active and p.period < l.period)
