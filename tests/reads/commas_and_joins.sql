select o.id
from shop.orders o, shop.items i
left join shop.users u on u.id = i.id and left(u.name, 2) <> 'ab'
cross join lateral (select c.id from shop.clicks c where c.id = i.id limit 1) l
natural join (select 1 as other, d.id as day from shop.days d) o2
where o.id = i.id
-- reads: shop.clicks, shop.days, shop.items, shop.orders, shop.users
