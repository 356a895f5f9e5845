-- config:
--   strategy: delta
--   unique_key: id
--   touch: 60s
select o.id, count(*) as n
from shop.orders o
where /*+ incremental(o.id) */ true
group by 1
