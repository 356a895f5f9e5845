-- config:
--   strategy: append
select o.id, count(*) as n from shop.orders o where /*+ incremental(o.id) */ true group by 1
