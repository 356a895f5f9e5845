select o.note, percentile_cont(0.5) within group (order by o.id) as p, array_agg(o.id order by o.id) filter (where o.id is not null) as a
from shop.orders o group by grouping sets ((o.note), ()) having count(*) > (select count(*) from shop.days)
-- reads: shop.days, shop.orders
