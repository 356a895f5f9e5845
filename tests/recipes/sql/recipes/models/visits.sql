-- config:
--   materialized: incremental
--   strategy: merge
--   unique_key: [visit_id]
--   order_by: at, user_id, page, ms
--   index: (user_id, at)
--   index: (at)
-- description: Each visit once.
select v.visit_id, v.user_id, v.page, v.ms, v.at at time zone 'UTC' as at
from staging.visits v
where /*+ incremental(v.at) */ true
