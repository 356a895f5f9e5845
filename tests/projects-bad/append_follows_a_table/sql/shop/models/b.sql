-- config:
--   strategy: append
select o.id, o.at
from shop.a o
where /*+ incremental(o.id) */ true
