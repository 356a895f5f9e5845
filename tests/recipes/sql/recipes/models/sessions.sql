-- config:
--   materialized: incremental
--   strategy: recompute
--   by: user_id
-- description: Visits less than half an hour apart.
select s.user_id, min(s.at) as began_at, max(s.at) as ended_at, count(*) as visits
from (
    select g.user_id, g.at,
        count(*) filter (where g.begins) over (partition by g.user_id order by g.at, g.visit_id) as number
    from (
        select v.user_id, v.visit_id, v.at,
            coalesce(v.at - lag(v.at) over (partition by v.user_id order by v.at, v.visit_id)
                     >= interval '30 minutes', true) as begins
        from recipes.visits v
        where /*+ incremental(v.user_id) */ true
    ) g
) s
group by s.user_id, s.number
