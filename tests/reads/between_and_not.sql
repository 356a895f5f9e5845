select not o.flag as n, o.id between 1 and (select 3) as b, o.note is null as isnul, o.note isnull as i2 from shop.orders o where not exists (select 1 from shop.items) and o.id not in (1, 2)
-- reads: shop.items, shop.orders
