-- config:
--   strategy: merge
--   unique_key: [idd]
--   order_by: at
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
