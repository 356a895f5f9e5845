-- config:
--   strategy: append
with x as (select o.id from shop.orders o) select x.id from x where /*+ incremental(x.id) */ true
