-- config:
--   strategy: merge
--   unique_key: id
--   order_by: id
select o.id, max(o.at) as at from shop.orders o where /*+ incremental(o.id) */ true group by 1
