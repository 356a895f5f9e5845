-- config:
--   strategy: delta
--   unique_key: id
select q.id from (select o.id from shop.orders o where /*+ incremental(o.id) */ true group by 1) q
