-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day, category]
--   rows: orders
--   lookups: [shop.products on_change=recompute]
--   tags: [daily]
--   export: metrics/revenue.csv order by day, category
-- description: Orders and revenue per day (UTC) and category.
-- tests:
--   - not_null: [day, category]
--   - expression: revenue >= 0
select (o.ordered_at at time zone 'UTC')::date        as day
     , coalesce(p.category, 'unknown')                as category
     , count(*)                                       as orders
     , coalesce(sum(o.quantity * p.price), 0)         as revenue
from shop.orders o
left join shop.products p on p.product = o.product
where /*+ incremental(o.ordered_at) */ true
group by 1, 2
