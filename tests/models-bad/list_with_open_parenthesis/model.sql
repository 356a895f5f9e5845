-- config:
--   strategy: merge
--   unique_key: id
--   order_by: coalesce(at, id
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
