-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [date, user_id]
--   rows: events
--   tags: [daily, every_30_mins]
-- description: Records created, per day (UTC) and user.
-- tests:
--   - unique: [date, user_id]
--   - not_null: [date]
--   - not_null: [user_id]
--   - expression: events > 0
select
    (e.event_at at time zone 'UTC')::date as date,
    e.did as user_id,
    count(*) as events
from bluesky.events e
where /*+ incremental(e.event_at) */ true
    and e.kind = 'commit'
    and e.operation = 'create'
group by 1, 2
