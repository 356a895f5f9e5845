-- config:
--   strategy: append
select o.id, random() as x
from shop.orders o where /*+ incremental(o.id) */ true
