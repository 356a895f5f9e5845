-- config:
--   strategy: recompute
--   by: id
--   rows: n
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
