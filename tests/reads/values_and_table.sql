with v as (values (1, (select max(u.id) from shop.users u)), (2, 3)), t as (table shop.orders)
select v.column1, t.id from v, t, (values (1), (2)) as w (n), (table shop.items) i
-- reads: shop.items, shop.orders, shop.users
