-- config:
--   strategy: append
select o.id from shop.orders o -- /*+ incremental(o.id) */ true
