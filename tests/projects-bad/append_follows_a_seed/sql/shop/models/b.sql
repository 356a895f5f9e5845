-- config:
--   strategy: append
select o.id, o.at
from shop.words o
where /*+ incremental(o.id) */ true
