-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [user_id]
--   by: user_id
--   rows: likes
--   tags: [daily, every_30_mins]
-- description: Likes given, per user.
-- tests:
--   - unique: [user_id]
--   - not_null: [user_id]
--   - expression: likes > 0
select
    e.did as user_id,
    count(*) as likes
from bluesky.events e
where /*+ incremental(e.did) */ true
    and e.kind = 'commit'
    and e.collection = 'app.bsky.feed.like'
    and e.operation = 'create'
group by 1
