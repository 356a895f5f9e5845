-- config:
--   strategy: append
--   unique_key: [event_id]
select md5(row(s.event_time, s.user_id, s.event_type, s.country)::text) as event_id, s.event_time, s.user_id, s.event_type, s.country
from staging.growth_events s where /*+ incremental(s.event_time) */ true
