select 1 as one
from (shop.orders o join (shop.items i cross join shop.users u) on o.id = i.id)
join ((select c.id from shop.clicks c) q join shop.days d on d.id = q.id) on d.id = o.id
-- reads: shop.clicks, shop.days, shop.items, shop.orders, shop.users
