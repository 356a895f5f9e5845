-- config:
--   materialized: view
--   tags: [hourly]
-- description: Page views per month (UTC) and the postcode at the time of the view.
-- tests:
--   - not_null: [postcode]
select
    date_trunc('month', p.hour)::date as month,
    p.postcode,
    sum(p.num_pageviews) as num_pageviews
from pageviews.pageviews_by_postcode p
group by 1, 2
