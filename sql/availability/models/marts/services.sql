-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [service_id]
--   unique_key: [service_id]
--   tags: [weekly, monthly]
-- description: One row per service that was ever proposed for, under the names
--   of its newest proposal.
-- tests:
--   - unique: [service_id]
--   - not_null: [service_id]
select distinct on (e.service_id)
    e.service_id,
    e.service_name_nl as name_nl,
    e.service_name_en as name_en
from availability.fct_events e
where /*+ incremental(e.service_id) */ true
    and e.service_id is not null
order by e.service_id, e.created_at desc, e.event_id desc
