select o.id from shop.orders o join shop.items i join shop.users u on u.id = i.id on i.id = o.id
-- reads: shop.items, shop.orders, shop.users
