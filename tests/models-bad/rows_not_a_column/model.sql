-- config:
--   strategy: delta
--   unique_key: id
--   rows: number
select o.id, count(*) as n
from shop.orders o
where /*+ incremental(o.id) */ true
group by 1
