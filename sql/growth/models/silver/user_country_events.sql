-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [user_id]
--   tags: [daily]
-- description: The same under the user's country, which an earlier event may change.
-- tests:
--   - not_null: [country]
select
    e.user_id,
    d.country,
    e.event_type,
    e.transaction_category,
    e.events
from growth.user_events e
join growth.dim_users d on d.user_id = e.user_id
where /*+ incremental(e.user_id) */ true
    and /*+ incremental(d.user_id) */ true
