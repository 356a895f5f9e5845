-- config:
--   strategy: append
select a.id from (select o.id from shop.orders o where /*+ incremental(o.id) */ true) a,
(select i.id from shop.items i where /*+ incremental(i.id) */ true) b
