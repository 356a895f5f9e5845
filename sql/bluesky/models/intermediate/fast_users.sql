-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [user_id, minute minute]
--   touch: 60s before
--   unique_key: [user_id, minute]
--   tags: [daily, every_30_mins]
-- description: One row per user and minute (UTC) in which a run of at least 50
--   likes begins that takes less than one minute, to the microsecond.
-- tests:
--   - unique: [user_id, minute]
--   - not_null: [user_id]
--   - not_null: [minute]
with

-- every like beside the 49th after it
likes as (

    select
        e.did,
        e.event_at,
        lead(e.event_at, 49) over (partition by e.did order by e.event_at) as fiftieth_at
    from bluesky.events e
    where /*+ incremental(e.did, e.event_at) */ true
        and e.kind = 'commit'
        and e.collection = 'app.bsky.feed.like'
        and e.operation = 'create'

)

select distinct
    l.did as user_id,
    date_trunc('minute', l.event_at at time zone 'UTC') as minute
from likes l
where l.fiftieth_at < l.event_at + interval '60 seconds'
