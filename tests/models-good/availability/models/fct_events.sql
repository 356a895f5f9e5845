-- config:
--   strategy: merge
--   unique_key: [event_id]
--   order_by: [created_at, event_type, professional_id, meta_data]
--   index: (professional_id, created_at)
select e.event_id, e.event_type, e.professional_id, e.created_at, e.meta_data from staging.availability_events e where /*+ incremental(e.created_at) */ true
