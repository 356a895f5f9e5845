-- config:
--   strategy: append
select o.id from shop.orders o where /*+ incremental(o.id) */ true
union
select i.id from shop.items i where /*+ incremental(i.id) */ true
