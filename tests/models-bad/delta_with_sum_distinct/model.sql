-- config:
--   strategy: delta
--   unique_key: id
select o.id,
    coalesce(sum(distinct o.v), 0) as best
from shop.orders o
where /*+ incremental(o.id) */ true
group by 1
