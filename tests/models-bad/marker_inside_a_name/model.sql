-- config:
--   strategy: append
select o.id from shop./*+ incremental(o.id) */ true o
