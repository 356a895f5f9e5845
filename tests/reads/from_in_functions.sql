select extract(epoch from o.at) as e, substring(o.note from 1 for 2) as s, trim(both ' ' from o.note) as t,
  overlay(o.note placing 'x' from 1) as v, position('a' in o.note) as p from shop.orders o
where o.id is distinct from 3 and o.note is not distinct from 'from shop.items'
-- reads: shop.orders
