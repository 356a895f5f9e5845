-- config:
--   strategy: delta
--   unique_key: id
--   lookups: [staging.orders]
select o.id, count(*) as n
from staging.orders o
where /*+ incremental(o.id) */ true
group by 1
