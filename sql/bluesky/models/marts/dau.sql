-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [date]
--   rows: users
--   tags: [daily]
-- description: Users who created at least one record on the day (UTC).
-- tests:
--   - unique: [date]
--   - not_null: [date]
--   - expression: users > 0
select
    u.date,
    count(*) as users
from bluesky.user_days u
where /*+ incremental(u.date) */ true
group by 1
