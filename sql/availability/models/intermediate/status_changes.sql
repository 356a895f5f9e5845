-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [professional_id]
--   unique_key: [professional_id, date]
--   tags: [daily]
-- description: The days on which a professional becomes active (+1) or no longer
--   is (-1).  The last status event of a day decides the whole day.
-- tests:
--   - unique: [professional_id, date]
--   - not_null: [professional_id]
--   - not_null: [date]
--   - accepted_values: change [-1, 0, 1]
with

deciding as (

    select distinct on (e.professional_id, e.created_at::date)
        e.professional_id,
        e.created_at::date as date,
        (e.event_type = 'became_able_to_propose')::int as active
    from availability.fct_events e
    where /*+ incremental(e.professional_id) */ true
        and e.event_type in ('became_able_to_propose', 'became_unable_to_propose')
    order by e.professional_id, e.created_at::date, e.created_at desc, e.event_id desc

)

select
    d.professional_id,
    d.date,
    d.active - coalesce(lag(d.active) over (partition by d.professional_id order by d.date), 0) as change
from deciding d
