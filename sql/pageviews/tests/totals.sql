-- description: No page view is lost or doubled by looking up its postcode: the
--   totals of both marts are those of the source, day by day.
select
    coalesce(s.day, c.day, a.day) as day,
    s.num_pageviews as source,
    c.num_pageviews as by_current_postcode,
    a.num_pageviews as by_postcode
from pageviews.source_totals s
full join pageviews.current_totals c on c.day = s.day
full join pageviews.asof_totals a on a.day = coalesce(s.day, c.day)
where s.num_pageviews is distinct from c.num_pageviews
    or s.num_pageviews is distinct from a.num_pageviews
