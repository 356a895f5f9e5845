-- config:
--   materialized: incremental
--   strategy: merge
--   unique_key: [order_id]
--   order_by: ordered_at
-- description: Every order once, however often it was sent.
-- tests:
--   - unique: [order_id]
--   - expression: quantity > 0
select o.order_id, o.ordered_at, o.product, o.quantity
from staging.orders o
where /*+ incremental(o.order_id) */ true
