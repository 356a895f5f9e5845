-- config:
--   strategy: append
select orders.id from shop.orders where /*+ incremental(orders.id) */ true
