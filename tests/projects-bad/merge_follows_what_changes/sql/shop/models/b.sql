-- config:
--   strategy: merge
--   unique_key: id
--   order_by: at
select o.id, o.at
from shop.a o
where /*+ incremental(o.id) */ true
