select g.day, u.x, r.a from generate_series(timestamp '2020-01-01', timestamp '2020-01-02', interval '1 day') as g (day),
  unnest(array(select o.id from shop.orders o)) with ordinality as u (x, nr),
  rows from (generate_series(1, 2), generate_series(1, 3)) as r (a, b),
  shop.series(3) s, lateral shop.series((select max(i.id)::int from shop.items i)) s2
-- reads: shop.items, shop.orders
