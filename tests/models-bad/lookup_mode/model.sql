-- config:
--   strategy: merge
--   lookups: [shop.words on_change=recompile]
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
