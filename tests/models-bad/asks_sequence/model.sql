-- config:
--   strategy: append
select o.id, nextval('s') as x
from shop.orders o where /*+ incremental(o.id) */ true
