-- config:
--   strategy: append
select o.id from shop.orders o where /*+ incremental(o.id) */ true union all
select i.id from shop.items i join shop.users u using (id)
where /*+ incremental(i.id) */ true
and /*+ incremental(u.id) */ true
