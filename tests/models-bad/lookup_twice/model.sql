-- config:
--   strategy: merge
--   lookups: [shop.words, shop.words on_change=ignore]
select o.id, o.at
from shop.orders o
where /*+ incremental(o.id) */ true
