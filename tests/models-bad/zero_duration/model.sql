-- config:
--   strategy: recompute
--   by: at minute
--   touch: 0s
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
