select (o).id, (o.*)::text as whole, row(o.id, o.note)::text as r, o.at from shop.orders o where (o.id, o.note) in (select i.id, i.note from shop.items i)
-- reads: shop.items, shop.orders
