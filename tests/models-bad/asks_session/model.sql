-- config:
--   strategy: append
select o.id, current_user as x
from shop.orders o where /*+ incremental(o.id) */ true
