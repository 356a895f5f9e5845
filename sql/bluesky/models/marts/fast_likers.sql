-- config:
--   materialized: view
--   tags: [daily, every_30_mins]
--   export: metrics/fast-likers.csv order by likes desc, user_id collate "C"
-- description: Users who ever liked at least 50 posts in less than one minute,
--   with the number of all their likes.
-- tests:
--   - unique: [user_id]
--   - not_null: [user_id]
--   - expression: likes > 0
select
    l.user_id,
    l.likes
from bluesky.likes_per_user l
where exists (
    select from bluesky.fast_users f
    where f.user_id = l.user_id
)
