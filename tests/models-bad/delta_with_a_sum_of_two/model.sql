-- config:
--   strategy: delta
--   unique_key: id
select o.id,
    sum(o.v) + 1 as best
from shop.orders o
where /*+ incremental(o.id) */ true
group by 1
