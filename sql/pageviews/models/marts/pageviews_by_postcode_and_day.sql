-- config:
--   materialized: view
--   tags: [hourly]
-- description: Page views per day (UTC) and the postcode at the time of the view.
-- tests:
--   - not_null: [postcode]
select
    date_trunc('day', p.hour)::date as day,
    p.postcode,
    sum(p.num_pageviews) as num_pageviews
from pageviews.pageviews_by_postcode p
group by 1, 2
