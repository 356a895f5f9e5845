-- config:
--   strategy: append
select q.id from (select o.id from shop.orders o) q where /*+ incremental(o.id) */ true
