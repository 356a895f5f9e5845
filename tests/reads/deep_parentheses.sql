select q.id from (((select o.id from shop.orders o))) q, (((shop.items i join shop.users u using (id)))) where ((((q.id)))) = 1
-- reads: shop.items, shop.orders, shop.users
