-- config:
--   strategy: append
select o.id, date 'today' as x
from shop.orders o where /*+ incremental(o.id) */ true
