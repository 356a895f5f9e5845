-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day]
--   rows: num_pageviews
--   tags: [hourly]
-- description: Page views per day of the source, for the test that no view is lost
--   on the way.
-- tests:
--   - unique: [day]
select
    date_trunc('day', v.viewed_at at time zone 'UTC')::date as day,
    count(*) as num_pageviews
from staging.pageviews v
where /*+ incremental(v.viewed_at) */ true
group by 1
