-- config:
--   strategy: delta
--   unique_key: id
select o.id,
    max(o.v) as best
from shop.orders o
where /*+ incremental(o.id) */ true
group by 1
