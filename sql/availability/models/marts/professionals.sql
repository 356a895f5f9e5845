-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [professional_id]
--   unique_key: [professional_id]
--   tags: [daily, weekly]
-- description: One row per professional of the event log.
-- tests:
--   - unique: [professional_id]
--   - not_null: [professional_id]
select
    e.professional_id,
    min(e.created_at) filter (where e.event_type = 'created_account') as account_created_at,
    min(e.created_at) as first_event_at,
    max(e.created_at) as last_event_at,
    count(*) filter (where e.event_type = 'proposed') as proposals
from availability.fct_events e
where /*+ incremental(e.professional_id) */ true
group by 1
