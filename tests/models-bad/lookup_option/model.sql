-- config:
--   strategy: merge
--   lookups: [shop.words onchange=ignore]
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
