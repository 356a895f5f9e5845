-- config:
--   strategy: append
select o.id, now() as x
from shop.orders o where /*+ incremental(o.id) */ true
