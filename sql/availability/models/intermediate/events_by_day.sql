-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [date]
--   rows: events
--   tags: [daily]
-- description: Events per day, which says where the calendar begins.
-- tests:
--   - unique: [date]
--   - not_null: [date]
select
    e.created_at::date as date,
    count(*) as events
from availability.fct_events e
where /*+ incremental(e.created_at) */ true
group by 1
