-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [user_id, hour]
--   rows: num_pageviews
--   by: [user_id, hour hour]
--   tags: [hourly]
-- description: Page views per user and hour (UTC).  Equal rows are different views.
-- tests:
--   - unique: [user_id, hour]
--   - expression: num_pageviews > 0
select
    date_trunc('hour', v.viewed_at at time zone 'UTC') as hour,
    v.user_id,
    count(*) as num_pageviews
from staging.pageviews v
where /*+ incremental(v.user_id, v.viewed_at) */ true
group by 1, 2
