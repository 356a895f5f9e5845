-- config:
--   strategy: recompute
--   by: [professional_id]
select professional_id, date, state - coalesce(lag(state) over (partition by professional_id order by date), 0) as change from (
 select distinct on (e.professional_id, e.created_at::date) e.professional_id, e.created_at::date as date, (e.event_type='became_able_to_propose')::int as state
 from availability.fct_events e where /*+ incremental(e.professional_id) */ true and e.event_type in ('became_able_to_propose','became_unable_to_propose','became_not_able_to_propose')
 order by e.professional_id, e.created_at::date, e.created_at desc, e.event_id desc) q
