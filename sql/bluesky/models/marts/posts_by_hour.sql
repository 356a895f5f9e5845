-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day_of_week, hour_of_day]
--   rows: number_of_posts
--   tags: [daily, every_30_mins]
--   export: metrics/posts-by-time-of-day.csv order by number_of_posts desc, day_of_week, hour_of_day
-- description: Posts per weekday (0 is Sunday) and hour of the day (UTC).
-- tests:
--   - unique: [day_of_week, hour_of_day]
--   - not_null: [day_of_week]
--   - not_null: [hour_of_day]
--   - accepted_values: day_of_week [0, 1, 2, 3, 4, 5, 6]
--   - expression: hour_of_day between 0 and 23
--   - expression: number_of_posts > 0
select
    extract(dow from e.event_at at time zone 'UTC')::int as day_of_week,
    extract(hour from e.event_at at time zone 'UTC')::int as hour_of_day,
    count(*) as number_of_posts
from bluesky.events e
where /*+ incremental(e.event_at) */ true
    and e.kind = 'commit'
    and e.collection = 'app.bsky.feed.post'
    and e.operation = 'create'
group by 1, 2
