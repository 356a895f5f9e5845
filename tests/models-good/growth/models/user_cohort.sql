-- config:
--   strategy: recompute
--   by: [user_id]
select p.user_id, d.country, min(p.period) as cohort_date, (bool_or(p.period = d.first_seen_at::date + 1))::int as d1, (bool_or(p.period = d.first_seen_at::date + 7))::int as d7, (bool_or(p.period = d.first_seen_at::date + 30))::int as d30
from growth.user_period p join growth.dim_users d on d.user_id = p.user_id
where /*+ incremental(p.user_id) */ true and /*+ incremental(d.user_id) */ true and p.grain='day' group by 1,2
