-- config:
--   strategy: delta
--   unique_key: id
select o.id, count(*) as n from shop.orders o join shop.items i using (id)
where /*+ incremental(o.id) */ true
and /*+ incremental(i.id) */ true group by 1
