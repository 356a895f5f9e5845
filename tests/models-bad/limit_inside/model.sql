-- config:
--   strategy: append
select q.id from (
select o.id from shop.orders o where /*+ incremental(o.id) */ true limit 10) q
