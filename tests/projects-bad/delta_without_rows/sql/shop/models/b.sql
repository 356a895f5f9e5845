-- config:
--   strategy: delta
--   unique_key: id
select o.id, count(*) as n
from shop.a o
where /*+ incremental(o.id) */ true
group by 1
