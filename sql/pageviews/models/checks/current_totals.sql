-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [day]
--   rows: num_pageviews
--   tags: [hourly]
-- description: Page views per day of pageviews.pageviews_by_current_postcode, for the test that no view
--   is lost on the way.
-- tests:
--   - unique: [day]
select
    date_trunc('day', p.hour)::date as day,
    coalesce(sum(p.num_pageviews), 0) as num_pageviews
from pageviews.pageviews_by_current_postcode p
where /*+ incremental(p.hour) */ true
group by 1
