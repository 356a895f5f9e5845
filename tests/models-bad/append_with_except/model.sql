-- config:
--   strategy: append
select o.id from shop.orders o where /*+ incremental(o.id) */ true
except select i.id from shop.items i
