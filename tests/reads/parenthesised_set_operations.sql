select q.id from ((select o.id from shop.orders o) union all (select i.id from shop.items i) order by 1 limit 5) q
where q.id in ((select u.id from shop.users u) except (select c.id from shop.clicks c))
-- reads: shop.clicks, shop.items, shop.orders, shop.users
