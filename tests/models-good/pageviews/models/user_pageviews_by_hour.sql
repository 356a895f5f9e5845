-- config:
--   strategy: delta
--   unique_key: [user_id, hour]
--   rows: num_pageviews
--   by: [user_id, hour hour]
select date_trunc('hour', v.viewed_at) as hour, v.user_id, count(*) as num_pageviews
from staging.pageviews v where /*+ incremental(v.viewed_at) */ true group by 1,2
