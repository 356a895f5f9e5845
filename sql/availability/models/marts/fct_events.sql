-- config:
--   materialized: incremental
--   strategy: merge
--   unique_key: [event_id]
--   order_by: [created_at, event_type, professional_id, meta_data]
--   index: (professional_id, created_at)
--   index: (service_id)
--   tags: [daily]
-- description: One row per event, however often it was delivered, under one
--   spelling.  A proposal names a service and its lead fee, written
--   serviceid_name-nl_name-en_leadfee; what is not written so stays in meta_data.
-- tests:
--   - unique: [event_id]
--   - not_null: [event_id]
--   - not_null: [professional_id]
--   - not_null: [created_at]
--   - accepted_values: event_type [created_account, became_able_to_propose, became_unable_to_propose, proposed]   severity=warn
--   - expression: event_type <> 'proposed' or service_id is not null   severity=warn
with

delivered as (

    select
        e.event_id,
        case e.event_type
            when 'became_not_able_to_propose' then 'became_unable_to_propose'
            else e.event_type
        end as event_type,
        e.professional_id,
        e.created_at at time zone 'UTC' as created_at,
        e.meta_data,
        case when e.event_type = 'proposed'
            then regexp_match(e.meta_data, '^([0-9]{1,18})_([^_]*)_([^_]*)_([0-9]{1,12}(?:\.[0-9]{1,6})?)$')
        end as service
    from staging.availability_events e
    where /*+ incremental(e.created_at) */ true

)

select
    d.event_id,
    d.event_type,
    d.professional_id,
    d.created_at,
    d.service[1]::bigint as service_id,
    d.service[2] as service_name_nl,
    d.service[3] as service_name_en,
    d.service[4]::numeric as lead_fee,
    d.meta_data
from delivered d
