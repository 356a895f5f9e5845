select q.id from (with o as (select i.id from shop.items i) select o.id from o) q
union select o.id from shop.orders o
-- reads: shop.items, shop.orders
