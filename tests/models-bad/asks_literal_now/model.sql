-- config:
--   strategy: append
select o.id, 'Now'::timestamptz as x
from shop.orders o where /*+ incremental(o.id) */ true
