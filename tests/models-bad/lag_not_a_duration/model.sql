-- config:
--   materialized: table
--   lag: now
select o.id
from shop.orders o
