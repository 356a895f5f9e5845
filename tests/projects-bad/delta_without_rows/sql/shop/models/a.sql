-- config:
--   strategy: merge
--   unique_key: id
--   order_by: at
select o.id, o.at
from staging.orders o
where /*+ incremental(o.id) */ true
