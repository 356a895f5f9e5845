-- config:
--   strategy: append
select o.id, lag(o.id) over (order by o.id) as before from shop.orders o where /*+ incremental(o.id) */ true
