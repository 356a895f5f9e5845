-- config:
--   materialized: view
--   tags: [every_6_hours]
-- description: One row per engagement, clean.
-- tests:
--   - unique: [project_id, engagement_id]
--   - not_null: [project_id]
--   - not_null: [engagement_id]
--   - not_null: [customer_id]   warn_if=>1000 error_if=>5000
--   - accepted_values: service [Consulting, Design, Development, Support]
--   - accepted_values: service_type [Consulting, Design, Development, Support]
--   - accepted_values: sub_service [Backend, Frontend, UX/UI, Customer Service, Strategy]
--   - accepted_values: detailed_sub_service [Backend, Frontend, UX/UI, Customer Service, Strategy]
--   - accepted_values: engagement_type [Recurring, One-time, New]
select
    i.project_id,
    i.engagement_id,
    i.customer_id,
    i.customer_name,
    i.engagement_date,
    i.revenue,
    i.revenue_usd,
    i.service,
    i.sub_service,
    i.engagement_type,
    i.employee_count,
    i.comments,
    i.project_ref,
    i.engagement_reference,
    i.client_revenue,
    i.service_type,
    i.detailed_sub_service
from engagement.int_engagement_metrics i
