select o.id from shop.orders o where o.id = any (select i.id from shop.items i)
union all select u.id from shop.users u intersect select c.id from shop.clicks c
except (select d.id from shop.days d order by 1 fetch first 2 rows only)
-- reads: shop.clicks, shop.days, shop.items, shop.orders, shop.users
