select 'from '
  'shop.items' as a, e'\\' as b, '\' as c from shop.orders o where o.note = '\' or o.note = 'from shop.users'
-- reads: shop.orders
