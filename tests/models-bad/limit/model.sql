-- config:
--   strategy: append
select o.id
from shop.orders o
where /*+ incremental(o.id) */ true
limit 10
