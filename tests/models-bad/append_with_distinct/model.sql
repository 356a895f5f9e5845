-- config:
--   strategy: append
select distinct o.id from shop.orders o where /*+ incremental(o.id) */ true
