-- description: Who was active in a period is retained or has churned in the next,
--   and who is active in a period is new, retained or resurrected.
with

periods as (

    select
        g.period,
        g.country,
        max(g.active_users) as active,
        coalesce(sum(g.user_count) filter (where g.user_category in ('new_users', 'retained_users', 'resurrected_users')), 0) as accounted,
        coalesce(sum(g.user_count) filter (where g.user_category in ('retained_users', 'churned_users')), 0) as from_before
    from growth.growth_by_month g
    group by 1, 2

)

select
    p.period,
    p.country,
    p.active,
    p.accounted,
    n.from_before
from periods p
left join periods n on n.country = p.country and n.period = (p.period + interval '1 month')::date
where p.active <> p.accounted
    or (coalesce(n.from_before, 0) <> p.active and p.period < (select max(m.period) from periods m))
