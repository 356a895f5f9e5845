-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [hour, postcode]
--   rows: num_pageviews
--   tags: [hourly]
-- description: Page views per hour (UTC) and the postcode at the time of the view.
-- tests:
--   - unique: [hour, postcode]
--   - not_null: [hour]
--   - not_null: [postcode]
--   - expression: num_pageviews > 0
select
    u.hour,
    u.postcode,
    coalesce(sum(u.num_pageviews), 0) as num_pageviews
from pageviews.user_hours_asof u
where /*+ incremental(u.hour) */ true
group by 1, 2
