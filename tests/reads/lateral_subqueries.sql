select o.id, l.id as item from shop.orders o left join lateral (select i.id from shop.items i where i.id = o.id
  and exists (select 1 from shop.users u where u.id = i.id) order by i.id desc limit 1) l on true
-- reads: shop.items, shop.orders, shop.users
