-- config:
--   strategy: delta
--   unique_key: [hour, postcode]
--   rows: num_pageviews
select p.hour, p.postcode, sum(p.num_pageviews)::bigint as num_pageviews
from pageviews.user_hour_current p where /*+ incremental(p.hour) */ true group by 1,2
