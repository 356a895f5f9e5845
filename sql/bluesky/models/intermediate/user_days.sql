-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [user_id, date]
--   rows: events
--   tags: [daily, every_30_mins]
-- description: Records created, per user and day (UTC).
-- tests:
--   - unique: [user_id, date]
--   - not_null: [user_id]
--   - not_null: [date]
--   - expression: events > 0
select
    e.did as user_id,
    (e.event_at at time zone 'UTC')::date as date,
    count(*) as events
from bluesky.events e
where /*+ incremental(e.event_at) */ true
    and e.kind = 'commit'
    and e.operation = 'create'
group by 1, 2
