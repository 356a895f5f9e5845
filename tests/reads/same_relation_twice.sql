select a.id from shop.orders a join shop.orders b on a.id = b.id where a.id in (select id from shop.orders)
-- reads: shop.orders
