-- config:
--   strategy: merge
--   unique_key: [id,,at]
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
