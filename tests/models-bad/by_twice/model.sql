-- config:
--   strategy: recompute
--   by: [at minute, at]
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
