select o.id as a$b, o.id as a$b$c, 'x' as d from shop.orders o where o.note = $a$b$a$ and o.note <> $$$$
-- reads: shop.orders
