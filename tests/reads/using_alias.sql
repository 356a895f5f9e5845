select j.id from shop.orders o join shop.items i using (id) as j where j.id > 0
-- reads: shop.items, shop.orders
