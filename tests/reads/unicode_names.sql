select o."größe" as größe, 'straße from shop.items' as ß from shop.orders o
-- reads: shop.orders
