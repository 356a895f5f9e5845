-- config:
--   strategy: recompute
--   by: [user_id, hour hour]
select p.user_id, date_trunc('hour', p.viewed_at) as hour, coalesce(u.postcode, 'UNKNOWN') as postcode, sum(p.n) as num_pageviews
from pageviews.user_views p left join lateral (select h.postcode from pageviews.users_history h
  where h.user_id = p.user_id and /*+ incremental(h.user_id, *) */ true
  order by h.valid_from <= p.viewed_at desc, case when h.valid_from <= p.viewed_at then h.valid_from end desc, h.valid_from limit 1) u on true
where /*+ incremental(p.user_id, p.viewed_at) */ true group by 1,2,3
