select from shop.orders o where exists (select from shop.items i where i.id = o.id) and not exists (select distinct u.id from shop.users u)
-- reads: shop.items, shop.orders, shop.users
