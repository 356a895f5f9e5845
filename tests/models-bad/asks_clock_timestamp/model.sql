-- config:
--   strategy: append
select o.id, pg_catalog.clock_timestamp() as x
from shop.orders o where /*+ incremental(o.id) */ true
