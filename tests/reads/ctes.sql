with recent as (select o.id from shop.orders o), joined as materialized (
  select r.id from recent r join shop.items i on i.id = r.id), orders as not materialized (select 1 as id)
select j.id from joined j, orders where j.id = orders.id
-- reads: shop.items, shop.orders
