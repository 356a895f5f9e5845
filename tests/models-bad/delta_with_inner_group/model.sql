-- config:
--   strategy: delta
--   unique_key: id
select q.id, count(*) as n from (
  select o.id from shop.orders o where /*+ incremental(o.id) */ true group by 1) q group by 1
