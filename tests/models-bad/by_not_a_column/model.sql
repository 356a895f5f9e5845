-- config:
--   strategy: recompute
--   by: [user_id]
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
