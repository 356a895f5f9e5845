-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [project_id, engagement_id]
--   unique_key: [project_id, engagement_id]
--   tags: [every_6_hours]
-- description: The seventeen columns of the client's file under their own names,
--   normalised.
-- tests:
--   - unique: [project_id, engagement_id]
--   - not_null: [project_id]
--   - not_null: [engagement_id]
--   - accepted_values: service [Consulting, Design, Development, Support]
--   - accepted_values: sub_service [Backend, Frontend, UX/UI, Customer Service, Strategy]
--   - accepted_values: engagement_type [Recurring, One-time, New]
select
    s.project_id,
    s.engagement_id,
    s.customer_id,
    s.customer_name,
    s.engagement_date,
    s.revenue,
    s.revenue_usd,
    s.service,
    s.sub_service,
    s.engagement_type,
    s.employee_count,
    s.comments,
    s.project_ref,
    s.engagement_reference,
    s.client_revenue,
    s.service_type,
    s.detailed_sub_service
from engagement.stg_engagement_metrics s
where /*+ incremental(s.project_id, s.engagement_id) */ true
