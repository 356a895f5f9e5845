-- config:
--   strategy: delta
--   unique_key: id
with d as (select distinct o.id from shop.orders o where /*+ incremental(o.id) */ true)
select d.id, count(*) as n from d group by 1
