-- config:
--   strategy: recompute
--   by: [user_id]
with a as (select p.user_id, d.country, p.grain, p.period, lag(p.period) over w as prev, lead(p.period) over w as nxt,
   (p.period + ('1 ' || p.grain)::interval)::date as after, (p.period - ('1 ' || p.grain)::interval)::date as before
 from growth.user_period p join growth.dim_users d on d.user_id = p.user_id
 where /*+ incremental(p.user_id) */ true and /*+ incremental(d.user_id) */ true
 window w as (partition by p.user_id, p.grain order by p.period))
select user_id, country, grain, period, case when prev is null then 'new_users' when prev = before then 'retained_users' else 'resurrected_users' end as user_category from a
union all select user_id, country, grain, after, 'churned_users' from a where nxt is distinct from after
