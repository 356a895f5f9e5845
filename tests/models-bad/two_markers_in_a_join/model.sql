-- config:
--   strategy: append
select o.id from shop.orders o join shop.items i using (id)
where /*+ incremental(o.id) */ true
and /*+ incremental(i.id) */ true
