select o.id, sum(o.id) over w as s, count(*) filter (where o.id > 1) over w as n from shop.orders o
window w as (partition by o.note order by o.at rows between unbounded preceding and current row)
-- reads: shop.orders
