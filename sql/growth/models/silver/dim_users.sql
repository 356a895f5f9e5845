-- config:
--   materialized: incremental
--   strategy: merge
--   unique_key: [user_id]
--   order_by: [first_seen_at, first_event_id]
--   tags: [daily]
-- description: One row per user, with what the earliest event says of them: a user
--   with two countries has the first.
-- tests:
--   - unique: [user_id]
--   - not_null: [user_id]
--   - not_null: [country]
select
    e.user_id,
    coalesce(e.country, 'unknown') as country,
    e.utm_source,
    e.platform as first_platform,
    e.event_time as first_seen_at,
    e.event_id as first_event_id
from growth.fact_events e
where /*+ incremental(e.user_id) */ true
