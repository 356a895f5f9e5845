-- config:
--   strategy: append
select o.id, CURRENT_DATE as x
from shop.orders o where /*+ incremental(o.id) */ true
