-- config:
--   materialized: incremental
--   strategy: recompute
--   by: user_id
-- description: How far each user got: home, then cart, then paid, in that order.
select f.user_id, f.day, 1 + (f.cart is not null)::int + (f.paid is not null)::int as steps
from (
    select h.user_id, date_trunc('day', h.at)::date as day, c.at as cart, p.at as paid
    from (
        select v.user_id, min(v.at) as at
        from recipes.visits v
        where /*+ incremental(v.user_id) */ true and v.page = 'home'
        group by 1
    ) h
    left join lateral (
        select min(w.at) as at from recipes.visits w
        where w.user_id = h.user_id and /*+ incremental(w.user_id) */ true and w.page = 'cart' and w.at > h.at
    ) c on true
    left join lateral (
        select min(x.at) as at from recipes.visits x
        where x.user_id = h.user_id and /*+ incremental(x.user_id) */ true and x.page = 'paid' and x.at > c.at
    ) p on true
) f
