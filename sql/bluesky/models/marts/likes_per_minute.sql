-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [time]
--   by: time minute
--   rows: likes
--   tags: [daily, every_30_mins]
--   export: metrics/likes-per-minutes.csv order by time
-- description: Likes per minute of event time (UTC).
-- tests:
--   - unique: [time]
--   - not_null: [time]
--   - expression: likes > 0
select
    date_trunc('minute', e.event_at at time zone 'UTC') as time,
    count(*) as likes
from bluesky.events e
where /*+ incremental(e.event_at) */ true
    and e.kind = 'commit'
    and e.collection = 'app.bsky.feed.like'
    and e.operation = 'create'
group by 1
