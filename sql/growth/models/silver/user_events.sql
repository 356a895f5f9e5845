-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [user_id, event_type, transaction_category]
--   rows: events
--   tags: [daily]
-- description: Events per user, type and category.
-- tests:
--   - not_null: [user_id]
select
    e.user_id,
    e.event_type,
    e.transaction_category,
    count(*) as events
from growth.fact_events e
where /*+ incremental(e.user_id) */ true
group by 1, 2, 3
