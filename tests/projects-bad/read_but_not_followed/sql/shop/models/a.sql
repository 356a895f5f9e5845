-- config:
--   strategy: delta
--   unique_key: id
select o.id, count(*) as n
from staging.orders o
where /*+ incremental(o.id) */ true
and o.id in (select i.id from staging.items i)
group by 1
