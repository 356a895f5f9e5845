-- config:
--   strategy: merge
--   order_by: at
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
