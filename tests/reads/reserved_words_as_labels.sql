select o.id as from, o.note as select, o.at as union, o."where" as "group" from shop.orders as o order by 1 limit 3 offset 1
-- reads: shop.orders
