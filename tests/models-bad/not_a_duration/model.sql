-- config:
--   strategy: recompute
--   by: at minute
--   touch: 60 seconds
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
