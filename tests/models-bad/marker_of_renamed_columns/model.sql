-- config:
--   strategy: append
select o.x from shop.orders o (x, y) where /*+ incremental(o.x) */ true
