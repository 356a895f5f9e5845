-- config:
--   strategy: delta
--   unique_key: id
select distinct o.id, count(*) as n
from shop.orders o
where /*+ incremental(o.id) */ true
group by 1
