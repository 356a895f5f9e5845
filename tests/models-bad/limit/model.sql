-- config:
--   strategy: append
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
limit 10
