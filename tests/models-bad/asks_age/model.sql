-- config:
--   strategy: append
select o.id, age(o.x, o.y) as x, 1 as user
     , age(least(o.x, o.y)) as y
from shop.orders o where /*+ incremental(o.id) */ true
