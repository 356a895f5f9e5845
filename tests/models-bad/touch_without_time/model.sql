-- config:
--   strategy: recompute
--   by: id
--   touch: 60s
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
