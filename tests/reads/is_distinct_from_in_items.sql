select o.id is distinct from 3 as x, o.id is not distinct from 4 as y, (select count(*) from shop.items i where i.id is distinct from o.id) as n from shop.orders o
-- reads: shop.items, shop.orders
