-- config:
--   strategy: delta
--   unique_key: [date]
--   rows: events
select e.created_at::date as date, count(*) as events from availability.fct_events e where /*+ incremental(e.created_at) */ true group by 1
