-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [project_id, engagement_id]
--   unique_key: [project_id, engagement_id]
--   tags: [every_6_hours]
-- description: Every engagement beside its project: 59 columns, all of both with one
--   project_id; those of the project that clash begin with dim_.
-- tests:
--   - unique: [project_id, engagement_id]
--   - not_null: [project_id]
--   - not_null: [engagement_id]
select
    -- ids
    i.project_id,
    i.engagement_id,
    i.customer_id,
    i.project_ref,
    i.engagement_reference,
    d.id as dim_project_id,
    d.customer_id as dim_customer_id,
    d.project_service_id,
    d.product_id,
    d.team_id,
    d.cpm_id,
    d.dim_cpm_id,
    -- dimensions
    i.service,
    i.sub_service,
    i.engagement_type,
    i.service_type,
    i.detailed_sub_service,
    d.service as dim_service,
    d.sub_service as dim_sub_service,
    d.folder,
    d.status,
    d.staffing_version,
    d.product,
    d.team,
    d.team_type,
    d.cpm,
    d.quality,
    d.delivery,
    d.timezone,
    d.source_app,
    -- names
    i.customer_name,
    d.name,
    d.description,
    d.internal_description,
    i.comments,
    -- booleans
    d.is_critical_delivery,
    d.is_critical_delivery_success,
    d.is_submitted_from_internal,
    d.is_created_with_deliverables,
    d.is_project_ai_enabled,
    -- metrics
    i.revenue,
    i.revenue_usd,
    i.client_revenue,
    i.employee_count,
    d.rate,
    d.discount,
    d.min_estimate,
    d.max_estimate,
    d.sp_estimate,
    d.pm_estimate,
    d.ad_estimate,
    -- dates
    i.engagement_date,
    d.date_project_created,
    d.date_project_submitted,
    d.date_project_deadline,
    d.date_project_grabbed,
    d.date_project_started,
    d.date_project_ended,
    d.date_project_updated
from engagement.int_engagement_metrics i
left join engagement.dim_project d
    on d.project_id = i.project_id
    and /*+ incremental(d.project_id, *) */ true
where /*+ incremental(i.project_id, i.engagement_id) */ true
