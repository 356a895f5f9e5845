-- config:
--   strategy: merge
--   unique_key: [user_id]
--   order_by: [first_seen_at, first_event_id]
select e.user_id, coalesce(e.country, 'unknown') as country, e.event_time as first_seen_at, e.event_id as first_event_id
from growth.fact_events e where /*+ incremental(e.user_id) */ true
